//! wharf-policy
