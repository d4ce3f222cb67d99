//! The endpoint of native/quic driven from Rust, with the options that JS drives it with: what JS costs is the
//! difference. A server gives small messages back and swallows large ones; a client times rounds against it.
mod endpoint;

use endpoint::{Body, Endpoint, Event};
use std::time::Instant;

const LARGE: usize = 4 << 20;
const SMALL: usize = 1 << 10;
/// Messages above this are swallowed.
const ECHO_MAX: usize = 64 << 10;
const LARGE_IN_FLIGHT: usize = 4;
const SMALL_IN_FLIGHT: usize = 16;
const DIAL_MS: u32 = 5000;

fn secret(fill: u8) -> Vec<u8> {
    myrmex_core::ml_dsa::key_pair([fill; 32])
        .secret_key
        .to_vec()
}

/// Says its address in one line, then serves until standard input ends.
pub fn serve(options: &str) -> Result<(), String> {
    let mut endpoint = Endpoint::open(&secret(4), options)?;
    crate::say(&format!("{{\"address\":\"{}\"}}", endpoint.address()))?;
    std::thread::spawn(|| {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        std::process::exit(0);
    });
    loop {
        if let Event::Message(connection, message) = endpoint.next()?
            && message.len() <= ECHO_MAX
        {
            // A peer that is gone meanwhile gets no answer.
            let _ = endpoint.send(connection, &message, false);
        }
    }
}

pub struct Client {
    endpoint: Endpoint,
    server: String,
    connection: u32,
}

impl Client {
    pub fn connect(server: &str, options: &str) -> Result<Self, String> {
        let mut endpoint = Endpoint::open(&secret(3), options)?;
        let connection = dial(&mut endpoint, server)?;
        let server = server.to_string();
        Ok(Self {
            endpoint,
            server,
            connection,
        })
    }

    /// `bulk COUNT`: acknowledged messages of 4 MiB, four in flight. `rate COUNT`: messages of 1 KiB and back, 16 in
    /// flight. `handshake COUNT`: fresh connections one after another. All answer `{"ms"}`, the handshakes their median.
    pub fn answer(&mut self, words: &[&str]) -> Result<String, String> {
        let count = crate::number(words, 1)?;
        let ms = match words[0] {
            "bulk" => self.bulk(count)?,
            "rate" => self.rate(count)?,
            "handshake" => self.handshakes(count)?,
            _ => return Err("bulk, rate or handshake".to_string()),
        };
        Ok(format!("{{\"ms\":{ms}}}"))
    }

    fn bulk(&mut self, count: usize) -> Result<f64, String> {
        let message = Body::filled(LARGE, 1)?;
        let began = Instant::now();
        let (mut sent, mut done, mut first) = (0, 0, None);
        while done < count {
            while sent < count && sent - done < LARGE_IN_FLIGHT {
                let request = self.endpoint.send_body(self.connection, &message, true)?;
                first = first.or(Some(request));
                sent += 1;
            }
            match self.endpoint.next()? {
                // Those of an earlier round may still come.
                Event::Done(request) if Some(request) >= first => done += 1,
                Event::Failed(text) => return Err(text),
                _ => {}
            }
        }
        Ok(ms_since(began))
    }

    fn rate(&mut self, count: usize) -> Result<f64, String> {
        let message = vec![1; SMALL];
        let began = Instant::now();
        let (mut sent, mut back) = (0, 0);
        while back < count {
            while sent < count && sent - back < SMALL_IN_FLIGHT {
                self.endpoint.send(self.connection, &message, false)?;
                sent += 1;
            }
            if let Event::Message(..) = self.endpoint.next()? {
                back += 1;
            }
        }
        Ok(ms_since(began))
    }

    fn handshakes(&mut self, count: usize) -> Result<f64, String> {
        let mut times = Vec::new();
        for _ in 0..count.max(1) {
            let began = Instant::now();
            let connection = dial(&mut self.endpoint, &self.server)?;
            times.push(ms_since(began));
            self.endpoint.close(connection);
            while !matches!(self.endpoint.next()?, Event::Closed(closed) if closed == connection) {}
        }
        times.sort_by(f64::total_cmp);
        Ok(times[times.len() / 2])
    }
}

fn dial(endpoint: &mut Endpoint, server: &str) -> Result<u32, String> {
    endpoint.dial(server, DIAL_MS)?;
    loop {
        match endpoint.next()? {
            Event::Connected(connection) => return Ok(connection),
            Event::Failed(text) => return Err(text),
            _ => {}
        }
    }
}

fn ms_since(began: Instant) -> f64 {
    began.elapsed().as_secs_f64() * 1000.0
}
