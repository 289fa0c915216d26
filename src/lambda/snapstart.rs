//! SnapStart: the calls by which Lambda learns when it may take its snapshot, and `bootstrap` that it lives on from it.
//!
//! Lambda starts a published version once, takes a snapshot when the runtime asks for `restore/next`, and answers that
//! call in every sandbox that is made from it. The snapshot holds the memory as it is, and with it a connection that
//! means nothing to the sandbox which wakes up with it: none is kept across.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/snapstart-runtime-hooks-custom.html>

use anyhow::{anyhow, bail};
use ureq::http::Uri;

use super::Lambda;
use super::http::{LONGEST_WORDS, agent, read_body};
use crate::fault::Fault;
use crate::source::Snapshots;

impl Snapshots for Lambda {
    fn before_snapshot_error(&mut self, fault: &Fault) -> anyhow::Result<()> {
        self.init_error(fault)
    }

    fn wait_restored(&mut self) -> anyhow::Result<()> {
        // With the agent go its connections.
        self.agent = agent(&self.connections);
        let restored = format!("{}/restore/next", self.base).parse::<Uri>()?;
        let response = self.agent.get(restored).call();
        let mut response = response.map_err(|error| anyhow!("the Runtime API's /restore/next failed: {error}"))?;
        let status = response.status().as_u16();
        let words = read_body(&mut response, LONGEST_WORDS).unwrap_or_default();
        if status != 200 {
            bail!("the Runtime API's /restore/next answered {status}: {}", String::from_utf8_lossy(&words).trim());
        }
        // The one that brought the answer is in the snapshot.
        self.agent = agent(&self.connections);
        Ok(())
    }

    fn after_restore_error(&mut self, fault: &Fault) -> anyhow::Result<()> {
        self.post_failed_start("restore/error", fault)
    }
}
