//! Faults in the list of sites.

use auth_core::ports::{Change, SiteEntry};

use super::bent::{Bent, a_fault, clear, save, there};
use super::mutants;

mutants! { Memory:
    "preferred-site-is-first" => leaves_a_known_site_where_it_was,
    "site-is-kept" => takes_an_empty_name_for_none,
    "site-is-listed-once" => never_takes_a_permission_back,
    "forget-strikes-off-one" => forgets_every_slot_of_a_site,
    "forget-of-unknown-is-done" => cannot_forget_what_it_does_not_know,
    "sites-touch-no-session" => signs_out_who_is_forgotten,
    "sites-touch-no-session" => ends_an_intent_by_preferring,
    "sessions-touch-no-site" => puts_a_site_first_by_saving,
    "sessions-touch-no-site" => forgets_a_site_by_clearing,
    "sites-survive-reopening" => forgets_sites_when_closed,
}

fn leaves_a_known_site_where_it_was(it: Bent) -> Bent {
    it.apply(|store, change| {
        let Change::Prefer(entry) = change else { return store.apply(change) };
        let mut sites = store.sites()?;
        let Some(known) = sites.iter_mut().find(|known| known.key == entry.key) else {
            return store.apply(change);
        };
        *known = entry.clone();
        let mut applied = store.apply(change)?;
        for entry in sites.into_iter().rev() {
            applied = store.apply(&Change::Prefer(entry))?;
        }
        Ok(applied)
    })
}

fn takes_an_empty_name_for_none(it: Bent) -> Bent {
    it.edit(|_, change| {
        if let Change::Prefer(entry) = change {
            entry.user = entry.user.take().filter(|user| !user.is_empty());
        }
    })
}

fn never_takes_a_permission_back(it: Bent) -> Bent {
    it.edit(|store, change| {
        if let Change::Prefer(entry) = change {
            let sites = store.sites().unwrap();
            entry.allow_http |= sites.iter().any(|known| known.key == entry.key && known.allow_http);
        }
    })
}

fn forgets_every_slot_of_a_site(it: Bent) -> Bent {
    it.apply(|store, change| {
        if let Change::Forget(key) = change {
            for SiteEntry { key: known, .. } in store.sites()? {
                if known.site == key.site {
                    store.apply(&Change::Forget(known))?;
                }
            }
        }
        store.apply(change)
    })
}

fn cannot_forget_what_it_does_not_know(it: Bent) -> Bent {
    it.apply(|store, change| match change {
        Change::Forget(key) if !store.sites()?.iter().any(|known| known.key == *key) => {
            a_fault("no such site")
        }
        _ => store.apply(change),
    })
}

fn signs_out_who_is_forgotten(it: Bent) -> Bent {
    it.apply(|store, change| {
        if let Change::Forget(key) = change
            && let Some(stored) = there(store, key)
        {
            store.apply(&clear(key, &stored.session))?;
        }
        store.apply(change)
    })
}

fn ends_an_intent_by_preferring(it: Bent) -> Bent {
    it.apply(|store, change| {
        if let Change::Prefer(SiteEntry { key, .. }) = change
            && let Some(stored) = there(store, key)
        {
            store.apply(&save(key, &stored.session))?;
        }
        store.apply(change)
    })
}

fn puts_a_site_first_by_saving(it: Bent) -> Bent {
    it.apply(|store, change| {
        if let Change::Save { key, .. } = change
            && let Some(entry) = store.sites()?.into_iter().find(|entry| entry.key == *key)
        {
            store.apply(&Change::Prefer(entry))?;
        }
        store.apply(change)
    })
}

fn forgets_a_site_by_clearing(it: Bent) -> Bent {
    it.apply(|store, change| {
        if let Change::ClearIf { key, .. } = change {
            store.apply(&Change::Forget(key.clone()))?;
        }
        store.apply(change)
    })
}

fn forgets_sites_when_closed(it: Bent) -> Bent {
    it.close(|store| {
        for entry in store.sites().unwrap() {
            store.apply(&Change::Forget(entry.key)).unwrap();
        }
    })
}
