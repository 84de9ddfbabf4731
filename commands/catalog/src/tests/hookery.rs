//! Webhooks in memory.

use async_trait::async_trait;
use bellhop_core::ports::{Hook, HookRequest, Hooks, MadeHook, PortResult};
use bellhop_core::{Address, Call, PortError, PortErrorKind};
use std::collections::BTreeMap;
use std::sync::Mutex;

/// The webhooks, each with its requests.
#[derive(Default)]
pub(super) struct Hookery(pub Mutex<BTreeMap<String, (Hook, Vec<HookRequest>)>>);

fn missing() -> PortError {
    PortError::not_found("hooks", "find", "there is none of that name")
}

#[async_trait]
impl Hooks for Hookery {
    async fn create(&self, call: &Call, name: &str, to: &Address, signed: bool) -> PortResult<MadeHook> {
        let mut all = self.0.lock().unwrap();
        if all.contains_key(name) {
            return Err(PortError::new(PortErrorKind::Conflict, "hooks", "create", "taken"));
        }
        let hook = Hook { name: name.to_owned(), to: to.clone(), signed, made_by: call.caller.name.clone(), made_at: call.now };
        all.insert(name.to_owned(), (hook, Vec::new()));
        Ok(MadeHook { url: format!("https://bell.example/hooks/{}", "x".repeat(300)).into(), secret: "whsec_c2VjcmV0".into() })
    }

    async fn list(&self) -> PortResult<Vec<Hook>> {
        Ok(self.0.lock().unwrap().values().map(|(hook, _)| hook.clone()).collect())
    }

    async fn test(&self, call: &Call, name: &str) -> PortResult<Hook> {
        let mut all = self.0.lock().unwrap();
        let (hook, requests) = all.get_mut(name).ok_or_else(missing)?;
        requests.insert(0, HookRequest { at: call.now, from: "hook test".into(), outcome: "ok".into() });
        Ok(hook.clone())
    }

    async fn requests(&self, name: &str, limit: usize) -> PortResult<Vec<HookRequest>> {
        let all = self.0.lock().unwrap();
        Ok(all.get(name).ok_or_else(missing)?.1.iter().take(limit).cloned().collect())
    }

    async fn remove(&self, name: &str) -> PortResult<Option<Hook>> {
        Ok(self.0.lock().unwrap().remove(name).map(|(hook, _)| hook))
    }
}
