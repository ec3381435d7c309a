//! `homeroom openapi` and `homeroom completions`: what other programs read.

use super::failure::{Failure, Outcome};
use clap::CommandFactory;
use clap_complete::Shell;
use std::path::PathBuf;

/// Print the API document (OpenAPI 3.1)
#[derive(Debug, Clone, clap::Args)]
pub(super) struct OpenapiArgs {
    /// Write to this file instead
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Print completions for a shell
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = COMPLETIONS_HELP)]
pub(super) struct CompletionsArgs {
    /// Which shell
    shell: Shell,
}

const COMPLETIONS_HELP: &str = "\
Examples:
  homeroom completions bash > /etc/bash_completion.d/homeroom
  homeroom completions zsh > \"${fpath[1]}/_homeroom\"
  homeroom completions fish > ~/.config/fish/completions/homeroom.fish";

pub(super) fn openapi(args: &OpenapiArgs) -> Outcome {
    let document = crate::http::openapi_document();
    match &args.output {
        Some(file) => std::fs::write(file, document).map_err(|error| Failure::file("write", file, &error)),
        None => {
            println!("{document}");
            Ok(())
        }
    }
}

pub(super) fn completions(args: &CompletionsArgs) {
    clap_complete::generate(
        args.shell,
        &mut super::Cli::command(),
        "homeroom",
        &mut std::io::stdout(),
    );
}
