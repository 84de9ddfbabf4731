//! Other clients' eyes: Amazon's and Microsoft's own clients for Python, kept running, so that a test can look at what
//! the bot did from the side of somebody else, and do things behind its back. They know nothing of the bot.

use bellhop_kit::peers;
use bellhop_kit::peers::azurite::{ACCOUNT, KEY};
use bellhop_kit::peers::s3::{ACCESS_KEY, REGION, SECRET_KEY};
use serde_json::{Value, json};
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::Mutex;

/// What runs in Python: each line of the input is a script with its arguments, each line of the output what it put into
/// `result`, or why it failed.
const LOOP: &str = "
import sys, json, traceback, hashlib
setup = json.loads(sys.stdin.readline())
world = {'hashlib': hashlib}
exec(setup, world)
print('ready', flush=True)
for line in sys.stdin:
    ask = json.loads(line)
    here = dict(world, args=ask['args'], result=None)
    try:
        exec(ask['script'], here)
        answer = {'result': here['result']}
    except Exception:
        answer = {'error': traceback.format_exc()}
    print(json.dumps(answer, default=str), flush=True)
";

const AMAZON: &str = "
import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
";

/// What every script may call: one shape for what both services have.
const AMAZON_WORDS: &str = "
def versions(c, b, n):
    got = c.list_object_versions(Bucket=b, Prefix=n)
    all = [dict(v, deletion=False) for v in got.get('Versions', [])] + [dict(v, deletion=True) for v in got.get('DeleteMarkers', [])]
    all = sorted((v for v in all if v['Key'] == n), key=lambda v: not v['IsLatest'])
    return [{'id': v['VersionId'], 'current': v['IsLatest'], 'deletion': v['deletion']} for v in all]
def seen(c, b, n):
    try:
        got = c.get_object(Bucket=b, Key=n)
    except ClientError as error:
        if error.response['Error']['Code'] in ('NoSuchKey', '404'):
            return None
        raise
    data = got['Body'].read()
    return {'size': len(data), 'type': got['ContentType'], 'sha256': hashlib.sha256(data).hexdigest(), 'sse': got.get('ServerSideEncryption')}
def write(c, b, n, size, kind):
    c.put_object(Bucket=b, Key=n, Body=pattern(size), ContentType=kind)
def names(c, b):
    return sorted(o['Key'] for o in c.list_objects_v2(Bucket=b).get('Contents', []))
def unfinished(c, b):
    return [u['Key'] for u in c.list_multipart_uploads(Bucket=b).get('Uploads', [])]
def pattern(size):
    return bytes((n * 31 + (n >> 8)) % 251 for n in range(size))
";

const MICROSOFT: &str = "
from datetime import datetime, timedelta, timezone
from azure.storage.blob import *
from azure.core.exceptions import *
def versions(c, b, n):
    return []
def seen(c, b, n):
    blob = c.get_blob_client(b, n)
    try:
        data = blob.download_blob().readall()
    except ResourceNotFoundError:
        return None
    p = blob.get_blob_properties()
    return {'size': len(data), 'type': p.content_settings.content_type, 'sha256': hashlib.sha256(data).hexdigest(), 'sse': None}
def write(c, b, n, size, kind):
    c.get_blob_client(b, n).upload_blob(pattern(size), overwrite=True, content_settings=ContentSettings(content_type=kind))
def names(c, b):
    return sorted(o.name for o in c.get_container_client(b).list_blobs())
def unfinished(c, b):
    # What waits under a name that has no file, or beside one that has.
    found = []
    for blob in c.get_container_client(b).list_blobs(include=['uncommittedblobs']):
        waiting = c.get_blob_client(b, blob.name).get_block_list('uncommitted')[1]
        found += [blob.name for block in waiting if block.size > 1]
    return found
def pattern(size):
    return bytes((n * 31 + (n >> 8)) % 251 for n in range(size))
";

/// The bytes that `write` of both clients writes.
#[must_use]
pub fn pattern(size: usize) -> Vec<u8> {
    (0..size).map(|n| u8::try_from((n * 31 + (n >> 8)) % 251).unwrap_or_default()).collect()
}

/// A client that runs until it is dropped.
#[derive(Debug)]
pub struct Eyes {
    talk: Mutex<(ChildStdin, Lines<BufReader<ChildStdout>>)>,
    _child: Child,
}

impl Eyes {
    /// Amazon's client: `s3` looks at the first server, `strict` at the second.
    pub async fn amazon(s3: &str, strict: &str) -> Self {
        let client = |name: &str, url: &str| {
            format!(
                "{name} = boto3.client('s3', endpoint_url='{url}', region_name='{REGION}', aws_access_key_id='{ACCESS_KEY}', \
                 aws_secret_access_key='{SECRET_KEY}', config=Config(s3={{'addressing_style': 'path'}}, retries={{'max_attempts': 1}}))\n"
            )
        };
        let setup = format!("{AMAZON}{}{}{AMAZON_WORDS}", client("s3", s3), client("strict", strict));
        Self::start("s3-python/bin/python", &setup).await
    }

    /// Microsoft's client: `azure` looks at the server.
    pub async fn microsoft(endpoint: &str) -> Self {
        let client = format!(
            "azure = BlobServiceClient('{endpoint}', credential={{'account_name': '{ACCOUNT}', 'account_key': '{KEY}'}}, retry_total=0)\n"
        );
        Self::start("azure-python/bin/python", &format!("{MICROSOFT}{client}")).await
    }

    async fn start(python: &str, setup: &str) -> Self {
        let python = peers::folder().expect("a folder of peers").join(python);
        assert!(python.is_file(), "{} is missing: `./tests/run` installs it", python.display());
        let mut command = Command::new(python);
        command.args(["-c", LOOP]).env("AWS_EC2_METADATA_DISABLED", "true");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().expect("Python starts");
        let input = child.stdin.take().expect("its input");
        let output = BufReader::new(child.stdout.take().expect("its output")).lines();
        let eyes = Self { talk: Mutex::new((input, output)), _child: child };
        let said = eyes.exchange(&json!(setup)).await;
        assert_eq!(said, "ready", "the client doesn't start");
        eyes
    }

    async fn exchange(&self, line: &Value) -> String {
        let mut talk = self.talk.lock().await;
        let (input, output) = &mut *talk;
        input.write_all(format!("{line}\n").as_bytes()).await.expect("the client listens");
        let answer = tokio::time::timeout(crate::PATIENCE, output.next_line()).await.expect("the client answers in time");
        answer.expect("the client can be read").expect("the client still runs")
    }

    /// Runs a script, which puts what it found into `result`.
    ///
    /// # Panics
    /// When it fails, with what Python says.
    pub async fn look(&self, script: &str, args: Value) -> Value {
        let line = self.exchange(&json!({ "script": script, "args": args })).await;
        let mut answer = crate::json(&line);
        assert!(answer["error"].is_null(), "{script}\n{}", answer["error"].as_str().unwrap_or_default());
        answer["result"].take()
    }
}
