//! The service as a program: `users [serve]`, `users migrate`, `users schema print`.

use kit::{Running, Settings, StartError, cli::Program};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::Config;

/// The program `users`.
#[derive(Debug)]
pub struct Users;

impl Program for Users {
    const NAME: &'static str = "users";
    const PORT: u16 = 4001;
    type Config = Config;
    type Migrator = migrations::users::Migrator;
    type StartError = StartError;

    fn settings(config: &mut Config) -> &mut Settings {
        &mut config.kit
    }

    fn sdl() -> String {
        crate::sdl()
    }

    async fn start(
        config: Config,
        listener: TcpListener,
        shutdown: CancellationToken,
    ) -> Result<Running, StartError> {
        crate::start(config, listener, shutdown).await
    }
}
