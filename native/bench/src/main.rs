//! The Rust side of `npm run bench:goals`: what our rows are compared with, in the same run on the same machine.
//! It is driven line by line on standard input and answers each line with one line of JSON, so that its rounds and
//! those of the other side can take turns. It ends when standard input does.

mod file;
mod kernel;
mod quic;

use std::io::{BufRead, Write};

const USAGE: &str =
    "usage: myrmex-bench kernel | file | quic-server OPTIONS | quic-client ADDRESS OPTIONS";

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let outcome = match args[..] {
        ["kernel"] => session(kernel::answer),
        ["file"] => session(file::answer),
        ["quic-server", options] => quic::serve(options),
        ["quic-client", address, options] => quic::Client::connect(address, options)
            .and_then(|mut client| session(|words| client.answer(words))),
        _ => Err(USAGE.to_string()),
    };
    if let Err(text) = outcome {
        eprintln!("myrmex-bench: {text}");
        std::process::exit(1);
    }
}

/// A line in, a line out. What cannot be done is answered too: the other side says why a row is missing.
fn session(mut answer: impl FnMut(&[&str]) -> Result<String, String>) -> Result<(), String> {
    for line in std::io::stdin().lock().lines() {
        let line = line.map_err(|error| error.to_string())?;
        let words: Vec<&str> = line.split('\t').collect();
        say(&answer(&words).unwrap_or_else(|text| format!("{{\"error\":{text:?}}}")))?;
    }
    Ok(())
}

fn say(line: &str) -> Result<(), String> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")
        .and_then(|()| out.flush())
        .map_err(|error| error.to_string())
}

/// The word at a place as a number.
fn number<T: std::str::FromStr>(words: &[&str], place: usize) -> Result<T, String> {
    words
        .get(place)
        .and_then(|word| word.parse().ok())
        .ok_or_else(|| format!("word {place} must be a number"))
}
