//! An echo in AWS's own Rust runtime, as its documentation writes functions. `WAIT_MS` makes it wait before it answers.

use lambda_runtime::{Error, LambdaEvent, run_concurrent, service_fn};
use serde_json::Value;
use std::time::Duration;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let wait: Option<u64> = std::env::var("WAIT_MS").ok().and_then(|wait| wait.parse().ok());
    let echo = move |event: LambdaEvent<Value>| async move {
        if let Some(wait) = wait {
            tokio::time::sleep(Duration::from_millis(wait)).await;
        }
        Ok::<_, Error>(event.payload)
    };
    // Where AWS_LAMBDA_MAX_CONCURRENCY is unset, `run_concurrent` is `run`.
    run_concurrent(service_fn(echo)).await
}
