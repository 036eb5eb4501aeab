//! An object store of our own: what it is sent is recorded, what it answers can be set.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A request as it came over the wire.
#[derive(Debug, Clone, Default)]
pub(crate) struct Recorded {
    pub(crate) method: String,
    /// Path and query, as sent.
    pub(crate) target: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Recorded {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// What happens to a request that is not simply carried out.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// This answer, and nothing is done.
    Answer(u16, &'static str),
    /// It is carried out, but the connection ends without an answer.
    LoseAnswer,
    /// Another's object is stored under the name, and the connection ends without an answer.
    LoseAnswerToAnother(&'static [u8]),
    /// There is never an answer.
    Hang,
}

#[derive(Debug, Default)]
struct State {
    requests: Vec<Recorded>,
    faults: VecDeque<Fault>,
    objects: BTreeMap<String, Vec<u8>>,
}

/// The store; it ends with the test's runtime.
#[derive(Debug, Clone)]
pub(crate) struct HttpDouble {
    state: Arc<Mutex<State>>,
    pub(crate) url: String,
}

impl HttpDouble {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let double = Self { state: Arc::default(), url };
        let served = double.clone();
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let double = served.clone();
                tokio::spawn(async move { double.serve(connection).await });
            }
        });
        double
    }

    /// The next requests meet these faults, one each.
    pub(crate) fn fail(&self, faults: impl IntoIterator<Item = Fault>) {
        self.state.lock().unwrap().faults.extend(faults);
    }

    pub(crate) fn requests(&self) -> Vec<Recorded> {
        self.state.lock().unwrap().requests.clone()
    }

    pub(crate) fn put_object(&self, target: &str, content: &[u8]) {
        self.state.lock().unwrap().objects.insert(target.to_owned(), content.to_vec());
    }

    pub(crate) fn object(&self, target: &str) -> Option<Vec<u8>> {
        self.state.lock().unwrap().objects.get(target).cloned()
    }

    async fn serve(&self, mut connection: TcpStream) {
        let Some(request) = receive(&mut connection).await else { return };
        let fault = {
            let mut state = self.state.lock().unwrap();
            state.requests.push(request.clone());
            state.faults.pop_front()
        };
        match fault {
            None => {
                let (status, body) = self.carry_out(&request);
                answer(&mut connection, status, &body).await;
            }
            Some(Fault::Answer(status, body)) => {
                answer(&mut connection, status, body.as_bytes()).await;
            }
            Some(Fault::LoseAnswer) => {
                self.carry_out(&request);
            }
            Some(Fault::LoseAnswerToAnother(content)) => self.put_object(&request.target, content),
            Some(Fault::Hang) => std::future::pending().await,
        }
    }

    fn carry_out(&self, request: &Recorded) -> (u16, Vec<u8>) {
        let objects = &mut self.state.lock().unwrap().objects;
        let key = &request.target;
        match request.method.as_str() {
            "PUT" if request.header("if-none-match") == "*" && objects.contains_key(key) => {
                (412, b"<Error><Code>PreconditionFailed</Code></Error>".to_vec())
            }
            "PUT" => {
                objects.insert(key.clone(), request.body.clone());
                (200, Vec::new())
            }
            "DELETE" => {
                objects.remove(key);
                (204, Vec::new())
            }
            "POST" if key.ends_with("?delete") => {
                let bucket = key.trim_end_matches("?delete");
                let body = String::from_utf8_lossy(&request.body);
                let keys = body.split("<Key>").skip(1).filter_map(|rest| rest.split_once("</Key>"));
                let mut answer = "<DeleteResult>".to_owned();
                for (key, _) in keys {
                    objects.remove(&format!("{bucket}/{key}"));
                    answer.extend(["<Deleted><Key>", key, "</Key></Deleted>"]);
                }
                answer.push_str("</DeleteResult>");
                (200, answer.into_bytes())
            }
            _ => match objects.get(key) {
                Some(content) => (200, content.clone()),
                None => (
                    404,
                    b"<Error><Code>NoSuchKey</Code><Message>No such key.</Message></Error>"
                        .to_vec(),
                ),
            },
        }
    }
}

async fn receive(connection: &mut TcpStream) -> Option<Recorded> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        if connection.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..head_end].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let mut request = Recorded {
        method: first.next()?.to_owned(),
        target: first.next()?.to_owned(),
        ..Recorded::default()
    };
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        request.headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = request.header("content-length").parse().unwrap_or(0);
    let mut body = bytes.split_off(head_end + 4);
    while body.len() < length {
        if connection.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    request.body = body;
    Some(request)
}

async fn answer(connection: &mut TcpStream, status: u16, body: &[u8]) {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} Status\r\netag: \"e\"\r\nlast-modified: Thu, 01 Jan 2026 00:00:00 GMT\r\n\
         content-length: {length}\r\nconnection: close\r\n\r\n"
    );
    _ = connection.write_all(head.as_bytes()).await;
    _ = connection.write_all(body).await;
    _ = connection.shutdown().await;
}
