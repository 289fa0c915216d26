//! Agents: Sentry, OpenTelemetry, Datadog, New Relic, the X-Ray SDK.
