//! Files of this machine as a source: what the sources elsewhere are held to.

use super::contract;
use crate::cases;
use crate::support::Place;

#[test]
fn everything_works_as_elsewhere() {
    let place = Place::new();
    if !cases::shop(&place) {
        return;
    }
    contract::holds(&place, str::to_owned, usize::MAX);
}
