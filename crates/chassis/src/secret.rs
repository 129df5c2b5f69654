//! Values that must never be printed.

use std::fmt;

/// Holds a value whose `Debug` output is `Secret(_)`, so that a log line cannot give it away.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Hides a value.
    pub fn new(value: T) -> Self {
        Secret(value)
    }

    /// Shows the value to the one place that needs it.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(_)")
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn prints_no_value() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "Secret(_)");
    }
}
