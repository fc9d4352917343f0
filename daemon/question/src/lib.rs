//! wharf-question
