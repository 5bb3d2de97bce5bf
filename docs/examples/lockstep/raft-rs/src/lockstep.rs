//! Reads events of Ackproof's lockstep protocol and writes what a core answers: docs/lockstep.md.
//! It speaks MessagePack; with the argument -json, lines that a person can read.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};
use std::panic::{catch_unwind, AssertUnwindSafe};

use base64::prelude::{Engine, BASE64_STANDARD};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// Bytes as the protocol writes them: as they are in MessagePack, as base64 in JSON.
#[derive(Clone, Default)]
pub struct Bytes(pub Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if to.is_human_readable() {
            to.serialize_str(&BASE64_STANDARD.encode(&self.0))
        } else {
            to.serialize_bytes(&self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        if from.is_human_readable() {
            let text = String::deserialize(from)?;
            BASE64_STANDARD.decode(text).map(Bytes).map_err(D::Error::custom)
        } else {
            Ok(Bytes(serde_bytes::ByteBuf::deserialize(from)?.into_vec()))
        }
    }
}

/// One event, whatever its kind: each kind fills some of the fields.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Event {
    pub n: u64,
    pub event: String,
    pub node: String,
    pub now: i64,
    pub members: Vec<String>,
    pub disk: Vec<Bytes>,
    pub life: i64,
    pub random: u64,
    pub heartbeat_ns: i64,
    pub election_timeout_ns: i64,
    pub from: String,
    pub message: Bytes,
    pub timer: String,
    pub id: i64,
    pub request: Request,
    pub number: u64,
}

/// What a client asks; `op` is the id of its operation.
#[derive(Clone, Default, Deserialize, Serialize)]
pub struct Request {
    pub f: String,
    pub key: Option<String>,
    pub value: Value,
    pub op: String,
}

/// An entry of the replicated log: its index, its term, its data, and the id of its operation.
#[derive(Clone, Serialize)]
pub struct Row(pub u64, pub u64, pub Bytes, pub Option<String>);

/// The state of a node. What is left out stays as it was, but for the vote and the leader.
#[derive(Clone, Default, Serialize)]
pub struct Trace {
    pub term: u64,
    pub role: &'static str,
    pub vote: Option<String>,
    pub leader: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub truncate: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub append: Vec<Row>,
    pub commit: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<Row>,
    pub digest: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub installed_from: Option<String>,
}

/// Answers a client: `type` is ok, fail or info.
#[derive(Default, Serialize)]
pub struct Reply {
    pub id: i64,
    pub r#type: &'static str,
    pub value: Value,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub error: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<u64>,
    pub after: u64,
}

/// What a message is in Raft's own words, for cores that trace messages.
#[derive(Default, Serialize)]
pub struct Means {
    pub kind: &'static str,
    pub term: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ok: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<u64>,
}

#[derive(Serialize)]
#[serde(tag = "effect", rename_all = "lowercase")]
enum Effect {
    Persist {
        records: Vec<Bytes>,
        replace: bool,
    },
    Send {
        to: String,
        message: Bytes,
        after: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        means: Option<Means>,
    },
    Reply(Reply),
    Timer {
        name: &'static str,
        at: i64,
    },
    Applied {
        entries: Vec<Row>,
    },
    Trace(Trace),
    Fatal {
        reason: String,
    },
}

/// Collects what a node answers to one event, in order.
#[derive(Default)]
pub struct Effects {
    list: Vec<Effect>,
    persists: u64,
}

impl Effects {
    /// Write a record to the journal, in place of all that it holds if `replace`; gives the persist's number.
    pub fn persist(&mut self, replace: bool, record: Vec<u8>) -> u64 {
        let records = vec![Bytes(record)];
        self.list.push(Effect::Persist { records, replace });
        self.persists += 1;
        self.persists
    }

    /// Send to another node, once the persist of the number `after` is on the disk; `means` is None if the core
    /// does not trace messages.
    pub fn send(&mut self, to: &str, message: Vec<u8>, after: u64, means: Option<Means>) {
        let (to, message) = (to.to_string(), Bytes(message));
        self.list.push(Effect::Send { to, message, after, means });
    }

    pub fn reply(&mut self, reply: Reply) {
        self.list.push(Effect::Reply(reply));
    }

    pub fn timer(&mut self, name: &'static str, at: i64) {
        self.list.push(Effect::Timer { name, at });
    }

    pub fn applied(&mut self, entries: Vec<Row>) {
        self.list.push(Effect::Applied { entries });
    }

    pub fn trace(&mut self, trace: Trace) {
        self.list.push(Effect::Trace(trace));
    }
}

/// What a core says of itself. One process holds all nodes.
#[derive(Serialize)]
struct Hello {
    answers: u64,
    protocol: u64,
    data_types: &'static [&'static str],
    holds: &'static str,
    traces: &'static str,
    encoding: &'static str,
}

#[derive(Serialize)]
struct Answer {
    answers: u64,
    effects: Vec<Effect>,
}

/// One life of a node. It does nothing but when it takes an event.
pub trait Node: Sized {
    /// Begin a life with what the disk holds.
    fn start(event: Event, out: &mut Effects) -> Self;
    fn take(&mut self, event: Event, out: &mut Effects);
}

/// Answer events until the input ends.
pub fn serve<N: Node>(data_types: &'static [&'static str], traces: &'static str) -> io::Result<()> {
    let (mut input, mut output) = (io::stdin().lock(), io::stdout().lock());
    let is_json = std::env::args().any(|one| one == "-json");
    let (protocol, holds, encoding) = (1, "cluster", if is_json { "json" } else { "msgpack" });
    let Some(hello) = read(&mut input, true)? else { return Ok(()) };
    write(&mut output, true, &Hello { answers: hello.n, protocol, data_types, holds, traces, encoding })?;
    let mut nodes: BTreeMap<String, (Option<N>, Effects)> = BTreeMap::new();
    while let Some(event) = read(&mut input, is_json)? {
        let answers = event.n;
        let (node, effects) = nodes.entry(event.node.clone()).or_default();
        let ended = catch_unwind(AssertUnwindSafe(|| match node {
            Some(node) if event.event != "start" => node.take(event, effects),
            _ => {
                *effects = Effects::default();
                *node = Some(N::start(event, effects));
            }
        }));
        let mut effects = std::mem::take(&mut effects.list);
        if let Err(problem) = ended {
            let text = problem.downcast_ref::<String>().cloned(); // a node that gives up is judged
            let text = text.or(problem.downcast_ref::<&str>().map(ToString::to_string));
            effects = vec![Effect::Fatal { reason: text.unwrap_or_default() }];
        }
        write(&mut output, is_json, &Answer { answers, effects })?;
    }
    Ok(())
}

fn read(input: &mut impl BufRead, is_json: bool) -> io::Result<Option<Event>> {
    let mut data = Vec::new();
    if is_json {
        input.read_until(b'\n', &mut data)?;
        return if data.is_empty() { Ok(None) } else { Ok(Some(serde_json::from_slice(&data)?)) };
    }
    let mut length = [0; 4]; // a frame is its length, the largest byte first, and one value in MessagePack
    if input.read(&mut length[..1])? == 0 {
        return Ok(None);
    }
    input.read_exact(&mut length[1..])?;
    data.resize(u32::from_be_bytes(length) as usize, 0);
    input.read_exact(&mut data)?;
    rmp_serde::from_slice(&data).map(Some).map_err(io::Error::other)
}

fn write(output: &mut impl Write, is_json: bool, value: &impl Serialize) -> io::Result<()> {
    let data = if is_json {
        [serde_json::to_vec(value)?, vec![b'\n']].concat()
    } else {
        let data = rmp_serde::to_vec_named(value).map_err(io::Error::other)?;
        [&(data.len() as u32).to_be_bytes()[..], &data].concat()
    };
    output.write_all(&data)?;
    output.flush()
}
