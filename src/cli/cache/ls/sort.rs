//! The order of a listing, written as the official client writes it: `size`, `name:desc`.

use std::str::FromStr;

use super::rows::Row;

/// An order of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sort {
    key: Key,
    descending: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
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
    /// Puts rows into this order; equal ones stay as they were.
    pub fn apply(self, rows: &mut [Row]) {
        let by_key = |a: &Row, b: &Row| match self.key {
            Key::Accessed => a.repo.last_accessed.cmp(&b.repo.last_accessed),
            Key::Modified => a.modified().cmp(&b.modified()),
            Key::Name => (a.repo.key.to_string(), a.commit()).cmp(&(b.repo.key.to_string(), b.commit())),
            Key::Size => a.size().cmp(&b.size()),
        };
        rows.sort_by(|a, b| if self.descending { by_key(b, a) } else { by_key(a, b) });
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
