//! Digits as numbers, without a float between.

/// Ten to the power of so many, which 128 bits hold.
fn power_of_ten(exponent: u32) -> Option<i128> {
    10_i128.checked_pow(exponent)
}

/// A decimal as the whole number of its last places: `12.3` with a scale of 2 is 1230. None when it is no decimal, has more
/// digits than `precision`, or places beyond `scale` that are not zero.
pub(super) fn decimal(text: &str, precision: u8, scale: i8) -> Option<i128> {
    let scale = u32::try_from(scale).ok()?;
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], text[at + 1..].parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (negative, digits) = match mantissa.as_bytes() {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    let (whole, fraction) = match digits.iter().position(|byte| *byte == b'.') {
        Some(point) => (&digits[..point], &digits[point + 1..]),
        None => (digits, &[][..]),
    };
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let (value, dropped) = joined(whole, fraction)?;
    let places = i32::try_from(fraction.len() - dropped).ok()?.checked_sub(exponent)?;
    let shift = i32::try_from(scale).ok()?.checked_sub(places)?;
    let value = match shift {
        _ if value == 0 => 0,
        0.. => value.checked_mul(power_of_ten(shift.unsigned_abs())?)?,
        _ => {
            let divisor = power_of_ten(shift.unsigned_abs())?;
            (value % divisor == 0).then_some(value / divisor)?
        }
    };
    (value < power_of_ten(u32::from(precision))?).then_some(if negative { -value } else { value })
}

/// The digits of both parts as one number, and how many zeros at the end were left out because there is no room for them.
fn joined(whole: &[u8], fraction: &[u8]) -> Option<(i128, usize)> {
    let mut kept = fraction;
    if whole.len() + fraction.len() > 18 {
        while let [rest @ .., b'0'] = kept {
            kept = rest;
        }
    }
    let digits = whole.iter().chain(kept);
    let value = if whole.len() + kept.len() <= 18 {
        let mut value = 0_u64;
        for byte in digits {
            value = value * 10 + u64::from(digit(*byte)?);
        }
        i128::from(value)
    } else {
        let mut value = 0_i128;
        for byte in digits {
            value = value.checked_mul(10)?.checked_add(i128::from(digit(*byte)?))?;
        }
        value
    };
    Some((value, fraction.len() - kept.len()))
}

fn digit(byte: u8) -> Option<u8> {
    byte.is_ascii_digit().then(|| byte - b'0')
}

/// Seconds with up to nine places as nanoseconds. A number without a point and of 16 digits or more can only be nanoseconds.
pub(super) fn nanoseconds(text: &str) -> Option<i128> {
    let whole = !text.contains('.');
    let digits = text.trim_start_matches('-').len();
    match whole && digits >= 16 {
        true => decimal(text, 37, 0),
        false => decimal(text, 37, 9),
    }
}

/// Nanoseconds since midnight: of seconds with up to nine places, or, without a point and larger than a day has seconds, of
/// nanoseconds.
pub(super) fn time_of_day(text: &str) -> Option<i64> {
    let text = text.trim();
    let value = decimal(text, 37, 9)?;
    let day = 86_400_000_000_000;
    match value >= day && !text.contains('.') {
        true if value == day => None,
        true => i64::try_from(decimal(text, 37, 0)?).ok(),
        false => i64::try_from(value).ok(),
    }
}

/// Two hex digits a byte, into `bytes`, which is emptied first.
pub(super) fn from_hex(text: &str, bytes: &mut Vec<u8>) -> Option<()> {
    bytes.clear();
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    bytes.reserve(pairs.len());
    for [high, low] in pairs {
        bytes.push(nibble(*high)? << 4 | nibble(*low)?);
    }
    Some(())
}

fn nibble(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_keep_every_digit() {
        for (text, precision, scale, value) in [
            ("0", 38, 37, Some(0)),
            ("-0.00", 10, 2, Some(0)),
            ("1E+3", 10, 2, Some(100_000)),
            ("1.5e-1", 10, 2, Some(15)),
            (".5", 10, 1, Some(5)),
            ("5.", 10, 1, Some(50)),
            (".", 10, 1, None),
            ("1.0.0", 10, 2, None),
            ("1 ", 10, 2, None),
            ("--1", 10, 2, None),
            (
                "0.99999999999999999999999999999999999990",
                38,
                37,
                Some(9_999_999_999_999_999_999_999_999_999_999_999_999),
            ),
            ("100000000000000000000000000000000000000", 38, 0, None),
            ("1e40", 38, 0, None),
            ("1e-2147483648", 38, 0, None),
            ("1e2147483647", 38, 37, None),
            ("1e99999999999", 38, 0, None),
        ] {
            assert_eq!(decimal(text, precision, scale), value, "{text}");
        }
    }
}
