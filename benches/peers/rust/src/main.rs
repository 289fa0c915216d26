//! An echo in AWS's own Rust runtime. `WAIT_MS` makes it wait before it answers, `RAW` leaves the event unparsed.

use lambda_runtime::{Error, LambdaEvent, run_concurrent, service_fn};
use serde_json::{Value, value::RawValue};
use std::time::Duration;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let wait: Option<u64> = std::env::var("WAIT_MS").ok().and_then(|wait| wait.parse().ok());
    // Where AWS_LAMBDA_MAX_CONCURRENCY is unset, `run_concurrent` is `run`.
    if std::env::var_os("RAW").is_some() {
        return run_concurrent(service_fn(async |event: LambdaEvent<Box<RawValue>>| Ok::<_, Error>(event.payload)))
            .await;
    }
    // As its documentation writes functions.
    let echo = move |event: LambdaEvent<Value>| async move {
        if let Some(wait) = wait {
            tokio::time::sleep(Duration::from_millis(wait)).await;
        }
        Ok::<_, Error>(event.payload)
    };
    run_concurrent(service_fn(echo)).await
}
