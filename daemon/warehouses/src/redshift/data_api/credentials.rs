//! Who signs: AWS's own chain of places where credentials are found.
//!
//! With `profile=` in the address that profile and nothing else. Without it the usual order: environment, the profile that
//! `AWS_PROFILE` names or the default one, a web identity, the container, the machine.

use aws_config::Region;
use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::default_provider::region::DefaultRegionChain;
use aws_config::meta::region::ProvideRegion;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider};
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};
use tokio::sync::Mutex;
use wharf_protocol::{ApiError, ErrorKind};

/// Credentials that end sooner are fetched anew.
const MARGIN: Duration = Duration::from_secs(60);
/// How long finding them may take: some are asked for over the network.
const PATIENCE: Duration = Duration::from_secs(30);

/// The credentials of a source, kept until they end.
pub(super) struct Keys {
    source: String,
    profile: Option<String>,
    /// AWS's files `config` and `credentials`, in the place of the usual ones.
    files: Option<(PathBuf, PathBuf)>,
    held: Mutex<Option<Credentials>>,
}

impl Keys {
    /// Nothing is looked for yet.
    pub(super) fn new(source: &str, profile: Option<String>, files: Option<(PathBuf, PathBuf)>) -> Self {
        Self { source: source.to_owned(), profile, files, held: Mutex::default() }
    }

    /// Credentials that hold for a while.
    ///
    /// # Errors
    /// Where none were found, or why what was found is of no use.
    pub(super) async fn get(&self, region: &str) -> Result<Credentials, ApiError> {
        let mut held = self.held.lock().await;
        let soon = SystemTime::now() + MARGIN;
        if let Some(keys) = held.as_ref().filter(|keys| keys.expiry().is_none_or(|end| end > soon)) {
            return Ok(keys.clone());
        }
        let found = match tokio::time::timeout(PATIENCE, self.find(region)).await {
            Ok(found) => found.map_err(|error| self.told(&error))?,
            Err(_) => {
                let message = format!("{}: AWS's credentials did not come in time", self.who());
                return Err(ApiError::new(ErrorKind::Unavailable, "unreachable", message)
                    .hint("check the network, or name a profile: ...&profile=NAME in the address"));
            }
        };
        Ok(held.insert(found).clone())
    }

    /// Forgets credentials that the far side does not take any more: the next are looked for afresh, so that who signs in again
    /// need not start anything anew.
    pub(super) async fn forget(&self, stale: &Credentials) {
        let mut held = self.held.lock().await;
        if held.as_ref() == Some(stale) {
            *held = None;
        }
    }

    /// The chain is made anew each time: the one before keeps what it has read of the files.
    async fn find(&self, region: &str) -> Result<Credentials, CredentialsError> {
        let region = Region::new(region.to_owned());
        match &self.profile {
            Some(profile) => {
                let config = ProviderConfig::without_region().with_region(Some(region));
                let named =
                    ProfileFileCredentialsProvider::builder().configure(&config).profile_name(profile);
                let named = match self.files() {
                    Some(files) => named.profile_files(files).build(),
                    None => named.build(),
                };
                named.provide_credentials().await
            }
            None => {
                let chain = DefaultCredentialsChain::builder().region(region).build().await;
                chain.provide_credentials().await
            }
        }
    }

    /// The region, where the address tells none: the one of its profile, else the one of environment, default profile, machine.
    ///
    /// # Errors
    /// When there is none.
    pub(super) async fn region(&self) -> Result<String, ApiError> {
        let looking = async {
            if let Some(profile) = &self.profile {
                let named = ProfileFileRegionProvider::builder().profile_name(profile);
                let named = match self.files() {
                    Some(files) => named.profile_files(files).build(),
                    None => named.build(),
                };
                if let Some(region) = named.region().await {
                    return Some(region);
                }
            }
            DefaultRegionChain::builder().build().region().await
        };
        let found = tokio::time::timeout(PATIENCE, looking).await.ok().flatten();
        found.map(|region| region.as_ref().to_owned()).ok_or_else(|| {
            let message = format!("{}: nothing tells the region", self.who());
            ApiError::new(ErrorKind::Invalid, "no_region", message)
                .hint("add region=eu-west-1 to the address, or set AWS_REGION, or `region` in the profile")
        })
    }

    fn files(&self) -> Option<EnvConfigFiles> {
        let (config, credentials) = self.files.as_ref()?;
        let files = EnvConfigFiles::builder()
            .with_file(EnvConfigFileKind::Config, config)
            .with_file(EnvConfigFileKind::Credentials, credentials);
        Some(files.build())
    }

    fn who(&self) -> String {
        format!("the source `{}`", self.source)
    }

    /// What to type to sign in again.
    pub(super) fn sign_in(&self) -> String {
        match &self.profile {
            Some(profile) => format!("aws sso login --profile {profile}"),
            None => "aws sso login".to_owned(),
        }
    }

    /// The error that missing credentials make. AWS's words name files and profiles, never a key.
    fn told(&self, error: &CredentialsError) -> ApiError {
        let mut words: Vec<String> = Vec::new();
        let mut cause: Option<&dyn std::error::Error> = Some(error);
        while let Some(inner) = cause {
            words.push(inner.to_string());
            cause = inner.source();
        }
        words.dedup();
        let said = words.join(": ");
        let named = self.profile.as_deref();
        // Without the profile's own name, which may be any word.
        let lower = said.replace(named.unwrap_or_default(), "").to_ascii_lowercase();
        let files = "looked in ~/.aws/config and ~/.aws/credentials, or where AWS_CONFIG_FILE and \
                     AWS_SHARED_CREDENTIALS_FILE point";
        let make =
            |kind, what: String| ApiError::new(kind, "source_login", format!("{}: {what}", self.who()));
        let of_sign_in = ["sso token", "cached sso", "unauthorizedexception"];
        if of_sign_in.iter().any(|words| lower.contains(words)) {
            return make(ErrorKind::Failed, format!("the sign-in to AWS has ended or never was: {said}"))
                .hint(format!("sign in again: {}", self.sign_in()));
        }
        let nothing = matches!(error, CredentialsError::CredentialsNotLoaded(_));
        match named {
            Some(profile) if nothing || lower.contains("was not defined") => {
                let hint = format!(
                    "write another one in the address, or make it: aws configure sso --profile {profile}"
                );
                let what = format!("there is no AWS profile `{profile}` with credentials; {files}");
                make(ErrorKind::Failed, what).hint(hint)
            }
            None if nothing => {
                let what = format!("no credentials of AWS were found; {files}, and in the environment");
                make(ErrorKind::Failed, what)
                    .hint("name a profile: ...&profile=NAME in the address; `aws configure list` shows what there is")
            }
            _ => make(ErrorKind::Failed, format!("AWS's credentials cannot be had: {said}"))
                .hint("`aws sts get-caller-identity` with the same profile shows whether it works there"),
        }
    }
}
