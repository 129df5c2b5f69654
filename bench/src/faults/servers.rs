//! Real servers that are disturbed by the project's script.

use std::time::Duration;

use crate::servers::Script;

/// How long the script may take: a server that was killed reads its logs first.
const PATIENCE: Duration = Duration::from_secs(60);

/// The servers of a run.
pub(crate) struct Servers {
    pub(crate) script: Script,
    /// Which of the two MongoDB servers is in use.
    pub(crate) replica_set: bool,
}

impl Servers {
    /// Does something to the server that the run knows by this name.
    pub(crate) async fn tell(&self, action: &str, name: &str) -> anyhow::Result<()> {
        self.script.tell(action, self.called(name), PATIENCE).await
    }

    /// What the script calls a server.
    fn called<'n>(&self, name: &'n str) -> &'n str {
        match name {
            "mongodb" if self.replica_set => "mongodb-replica-set",
            name => name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mongodb_is_the_one_that_is_in_use() {
        for (replica_set, name, expected) in [
            (true, "mongodb", "mongodb-replica-set"),
            (false, "mongodb", "mongodb"),
            (true, "kafka", "kafka"),
        ] {
            let servers = Servers { script: Script("script".into()), replica_set };
            assert_eq!(servers.called(name), expected);
        }
    }
}
