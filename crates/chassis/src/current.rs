//! A value that may be replaced while the program runs.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

/// A value that may be replaced while the program runs, for example because the configuration was read again. A clone is
/// another handle to the same value.
pub struct Current<T>(Arc<RwLock<Arc<T>>>);

impl<T> Current<T> {
    /// Starts with this value.
    pub fn new(value: impl Into<Arc<T>>) -> Self {
        Current(Arc::new(RwLock::new(value.into())))
    }

    /// The value as it is now. Whoever does something in several steps asks once.
    pub fn get(&self) -> Arc<T> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces the value for everybody who asks from now on.
    pub fn set(&self, value: impl Into<Arc<T>>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = value.into();
    }
}

impl<T> Clone for Current<T> {
    fn clone(&self) -> Self {
        Current(self.0.clone())
    }
}

impl<T> From<Arc<T>> for Current<T> {
    fn from(value: Arc<T>) -> Self {
        Current::new(value)
    }
}

impl<T: PartialEq> PartialEq for Current<T> {
    fn eq(&self, other: &Self) -> bool {
        *self.get() == *other.get()
    }
}

impl<T: Eq> Eq for Current<T> {}

impl<T: fmt::Debug> fmt::Debug for Current<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}
