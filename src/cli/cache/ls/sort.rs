//! The order of a listing, written as the official client writes it: `size`, `name:desc`.

use std::cmp::Ordering;
use std::str::FromStr;

/// An order of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sort {
    key: Key,
    descending: bool,
}

/// What rows are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Accessed,
    Modified,
    Name,
    Size,
}

impl FromStr for Sort {
    type Err = String;

    /// Names go up from the first, all else down from the largest or newest, unless the text says otherwise.
    fn from_str(text: &str) -> Result<Self, String> {
        let lower = text.to_ascii_lowercase();
        let (key, order) = lower.split_once(':').map_or((&*lower, None), |(key, order)| (key, Some(order)));
        let key = match key {
            "accessed" => Key::Accessed,
            "modified" => Key::Modified,
            "name" => Key::Name,
            "size" => Key::Size,
            _ => return Err("write accessed, modified, name or size".to_owned()),
        };
        let descending = match order {
            None => key != Key::Name,
            Some("asc") => false,
            Some("desc") => true,
            Some(_) => return Err("write :asc or :desc behind the key".to_owned()),
        };
        Ok(Self { key, descending })
    }
}

impl Sort {
    /// What it orders by.
    pub fn key(self) -> Key {
        self.key
    }

    /// Puts rows into this order; equal ones stay as they were.
    pub fn apply<T>(self, rows: &mut [T], compare: impl Fn(Key, &T, &T) -> Ordering) {
        rows.sort_by(|a, b| if self.descending { compare(self.key, b, a) } else { compare(self.key, a, b) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_their_own_order_until_told_otherwise() {
        let descending = |text: &str| text.parse::<Sort>().map(|sort| sort.descending);
        assert_eq!(["size", "accessed", "modified", "name"].map(descending), [Ok(true), Ok(true), Ok(true), Ok(false)]);
        assert_eq!(["SIZE:asc", "name:DESC"].map(descending), [Ok(false), Ok(true)]);
        for wrong in ["", "best", "size:", "size:up", ":asc", "size:asc:desc"] {
            assert!(wrong.parse::<Sort>().is_err(), "{wrong}");
        }
    }
}
