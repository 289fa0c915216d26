//! Single files among others, and what follows when the kernel has lost count of what changed.

use super::*;

/// A folder with `root/handler` and `beside/words` in it, which goes with the test.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let place = Self(std::env::temp_dir().join(format!("lambda-stdio-changes-{name}-{}", std::process::id())));
        for folder in ["root", "beside"] {
            fs::create_dir_all(place.0.join(folder)).expect("a folder");
        }
        place.write("root/handler");
        place.write("beside/words");
        place
    }

    fn write(&self, name: &str) {
        fs::write(self.0.join(name), "x").expect("a file");
    }

    fn watched(&self) -> Changes {
        Changes::under(&self.0.join("root"), &[self.0.join("beside/words")]).expect("a watch")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What has changed since somebody asked.
fn changed(changes: &mut Changes) -> Option<PathBuf> {
    changes.read();
    changes.take()
}

#[test]
fn of_a_single_file_nothing_beside_it_counts() {
    let place = Place::new("single");
    let mut changes = place.watched();
    assert_eq!(changed(&mut changes), None, "what is there is no change");
    place.write("beside/other");
    assert_eq!(changed(&mut changes), None);
    place.write("beside/words");
    assert_eq!(changed(&mut changes), Some(place.0.join("beside/words")));
    place.write("root/handler");
    assert_eq!(changed(&mut changes), Some("handler".into()));
    // At work, only what was there before.
    place.write("root/new");
    place.write("beside/words");
    changes.read_after_work(true);
    assert_eq!(changes.take(), Some(place.0.join("beside/words")));
}

#[test]
fn what_editors_write_beside_a_file_is_passed_over_and_other_dotfiles_are_not() {
    for name in [".git", "node_modules", "handler~", ".#handler", ".handler.swp", ".handler.swx", "4913"] {
        assert!(is_passed_over(name.as_ref()), "{name}");
    }
    for name in [".env", "handler.swp", "git", "targets", "a.sw", ".sw", "49130", "~handler"] {
        assert!(!is_passed_over(name.as_ref()), "{name}");
    }
}

#[test]
fn after_an_overflow_all_is_watched_anew_and_something_has_changed() {
    let place = Place::new("overflow");
    let mut changes = place.watched();
    changes.look_again(true);
    assert_eq!(changes.take(), None, "the handler's own doing");
    changes.look_again(false);
    assert!(changes.any());
    changes.take();
    for name in ["root/handler", "beside/words"] {
        place.write(name);
        assert!(changed(&mut changes).is_some(), "{name}");
    }
}
