//! The number by which a client of Eureka sees whether its list is the registry's.

use std::collections::BTreeMap;

use crate::Instance;

/// How many instances have which status, such as `DOWN_1_UP_3_`: a client compares it with its own list after a delta.
pub(crate) fn hash_code<'a>(instances: impl Iterator<Item = &'a Instance>) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for instance in instances {
        *counts.entry(instance.status.name()).or_default() += 1;
    }
    counts.iter().map(|(status, count)| format!("{status}_{count}_")).collect()
}
