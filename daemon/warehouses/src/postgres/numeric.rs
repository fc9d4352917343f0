//! NUMERIC as the wire holds it: groups of four decimal digits (PostgreSQL source, `numeric_send`).

/// A value between the wire and its decimal form.
pub(super) enum Numeric<'a> {
    /// A number.
    Finite {
        negative: bool,
        /// Power of 10,000 of the first group.
        weight: i16,
        /// Digits behind the point that are shown.
        scale: u16,
        /// Groups, two bytes each, the highest first.
        groups: &'a [u8],
    },
    /// `NaN`, `Infinity` or `-Infinity`.
    Special(&'static str),
}

impl<'a> Numeric<'a> {
    /// Reads the head; none where the bytes are no NUMERIC.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let (head, groups) = bytes.split_at_checked(8)?;
        let word = |at: usize| u16::from_be_bytes([head[at], head[at + 1]]);
        if groups.len() != usize::from(word(0)) * 2 {
            return None;
        }
        let weight = i16::from_be_bytes([head[2], head[3]]);
        match word(4) {
            sign @ (0 | 0x4000) => Some(Self::Finite { negative: sign != 0, weight, scale: word(6), groups }),
            0xC000 => Some(Self::Special("NaN")),
            0xD000 => Some(Self::Special("Infinity")),
            0xF000 => Some(Self::Special("-Infinity")),
            _ => None,
        }
    }

    /// The value times 10^`scale`; none where it has more digits behind the point, does not fit, or is no number.
    pub(super) fn scaled(&self, scale: i8) -> Option<i128> {
        let Self::Finite { negative, weight, groups, .. } = self else { return None };
        let mut value: i128 = 0;
        for (at, group) in pairs(groups).enumerate() {
            // The power of ten of the group's last digit, once scaled.
            let power = 4 * (i32::from(*weight) - i32::try_from(at).ok()?) + i32::from(scale);
            let part = i128::from(group);
            let part = if power >= 0 {
                part.checked_mul(10_i128.checked_pow(power.unsigned_abs())?)?
            } else {
                let divisor = 10_i128.checked_pow(power.unsigned_abs()).unwrap_or(i128::MAX);
                if part % divisor != 0 {
                    return None;
                }
                part / divisor
            };
            value = value.checked_add(part)?;
        }
        Some(if *negative { -value } else { value })
    }

    /// The digits as the server would write them.
    pub(super) fn text(&self, out: &mut String) {
        use std::fmt::Write as _;
        let (negative, weight, scale, groups) = match self {
            Self::Special(word) => return out.push_str(word),
            Self::Finite { negative, weight, scale, groups } => (negative, *weight, *scale, groups),
        };
        if *negative {
            out.push('-');
        }
        let group = |at: i32| {
            let at = usize::try_from(at).ok();
            at.and_then(|at| pairs(groups).nth(at)).unwrap_or(0)
        };
        let weight = i32::from(weight);
        if weight < 0 {
            out.push('0');
        }
        for at in 0..=weight {
            let _ = if at == 0 { write!(out, "{}", group(at)) } else { write!(out, "{:04}", group(at)) };
        }
        if scale == 0 {
            return;
        }
        out.push('.');
        let whole = out.len();
        let mut at = weight + 1;
        while out.len() - whole < usize::from(scale) {
            // Groups before the first one that was sent are zeros.
            let _ = write!(out, "{:04}", if at < 0 { 0 } else { group(at) });
            at += 1;
        }
        out.truncate(whole + usize::from(scale));
    }
}

fn pairs(groups: &[u8]) -> impl Iterator<Item = u16> + '_ {
    groups.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
}

#[cfg(test)]
mod tests {
    use super::Numeric;

    fn sent(negative: bool, weight: i16, scale: u16, groups: &[u16]) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend(u16::try_from(groups.len()).unwrap().to_be_bytes());
        bytes.extend(weight.to_be_bytes());
        bytes.extend(if negative { 0x4000_u16 } else { 0 }.to_be_bytes());
        bytes.extend(scale.to_be_bytes());
        groups.iter().for_each(|group| bytes.extend(group.to_be_bytes()));
        bytes
    }

    #[test]
    fn numbers_are_read_to_the_last_digit() {
        for (negative, weight, scale, groups, text, scaled) in [
            (false, 0, 2, &[12, 3400][..], "12.34", Some(1234)),
            (true, 0, 2, &[12, 3400], "-12.34", Some(-1234)),
            (false, -1, 3, &[120], "0.012", None),
            (false, -2, 10, &[5], "0.0000000500", None),
            (false, 1, 0, &[1], "10000", Some(1_000_000)),
            (false, 1, 2, &[1, 5, 7000], "10005.70", Some(1_000_570)),
            (false, 0, 0, &[], "0", Some(0)),
            (false, 0, 4, &[], "0.0000", Some(0)),
            (false, 9, 2, &[9999; 10], "9999999999999999999999999999999999999999.00", None),
        ] {
            let bytes = sent(negative, weight, scale, groups);
            let number = Numeric::read(&bytes).unwrap();
            let mut written = String::new();
            number.text(&mut written);
            assert_eq!(written, text);
            assert_eq!(number.scaled(2), scaled, "{text}");
        }
        assert!(Numeric::read(&[0, 1, 0, 0, 0, 0, 0, 0]).is_none());
        assert!(Numeric::read(&[0; 7]).is_none());
    }
}
