//! What the mail about an update says (contract §3.5).

use mail::Mail;

/// The sender's name that the Java service sends; the transport makes an address of it.
const FROM: &str = "StoreAlert";

pub(crate) fn about(store_name: &str, store_status: &str, distribution_list: &[String]) -> Mail {
    Mail {
        from: FROM.to_owned(),
        to: distribution_list.to_vec(),
        subject: format!("Store Alert: {store_name}"),
        text: store_status.to_owned(),
    }
}
