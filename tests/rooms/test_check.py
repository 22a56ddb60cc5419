"""Tests of the check itself, on small crates made up for it: python3 -m unittest discover -s tests/rooms"""

import contextlib
import io
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import check  # noqa: E402


class Rooms(unittest.TestCase):
    def problems(self, files, floors=(("a",), ("b",)), known=()):
        """What the check finds wrong with a crate `pipeline` of these files."""
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            for name, source in check.SOURCES.items():
                (root / source).mkdir(parents=True)
                (root / source / ("main.rs" if name == "radloom" else "lib.rs")).write_text("//! Empty.\n")
            for name, text in files.items():
                path = root / "pipeline/src" / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            kept = check.FLOORS, check.KNOWN
            check.FLOORS = {name: [] for name in kept[0]} | {"pipeline": [list(floor) for floor in floors]}
            check.KNOWN = dict(known)
            try:
                with contextlib.redirect_stdout(io.StringIO()):
                    return check.check(root)
            finally:
                check.FLOORS, check.KNOWN = kept

    def test_an_import_downwards_is_fine(self):
        files = {"lib.rs": "pub mod a;\npub mod b;\n", "a.rs": "pub fn f() {}\n", "b.rs": "use crate::a::f;\n"}
        self.assertEqual(self.problems(files), [])

    def test_an_arrow_upwards_is_found_with_its_line(self):
        files = {"lib.rs": "mod a;\nmod b;\n", "a.rs": "\nfn f() { crate::b::g() }\n", "b.rs": "pub fn g() {}\n"}
        (problem,) = self.problems(files)
        self.assertIn("a -> b: pipeline/src/a.rs:2", problem)

    def test_modules_that_a_list_declares_are_seen_and_a_visibility_is_no_import(self):
        files = {
            "lib.rs": "mod a;\n",
            "a/mod.rs": "mod list;\n\nlist::things! {\n    one::One,\n    two::Two,\n}\n",
            "a/list.rs": "macro_rules! things { () => {} }\npub(super) use things;\n",
            "a/one.rs": "pub(in crate::a) struct One;\nuse super::two::Two;\n",
            "a/two.rs": "pub struct Two;\nuse super::one::One;\n",
        }
        (problem,) = self.problems(files)
        self.assertIn("one -> two", problem)

    def test_a_circle_of_three_files_is_found_once(self):
        files = {
            "lib.rs": "mod a;\n",
            "a/mod.rs": "mod x;\nmod y;\nmod z;\n",
            "a/x.rs": "use super::y::Y;\npub struct X;\n",
            "a/y.rs": "use super::{z::Z};\npub struct Y;\n",
            "a/z.rs": "pub struct Z(super::x::X);\n",
        }
        (problem,) = self.problems(files)
        self.assertTrue(problem.startswith("circle in pipeline/a: x -> y -> z -> x"), problem)

    def test_a_name_is_followed_through_the_re_export_of_its_folder(self):
        files = {
            "lib.rs": "mod a;\n",
            "a/mod.rs": "mod x;\nmod y;\npub use x::X;\npub use y::*;\n",
            "a/x.rs": "use super::Y;\npub struct X;\n",
            "a/y.rs": "use crate::a::X as Other;\npub struct Y(Other);\n",
        }
        (problem,) = self.problems(files)
        self.assertTrue(problem.startswith("circle in pipeline/a: x -> y -> x"), problem)

    def test_a_folder_and_a_file_beside_it_form_a_circle(self):
        files = {
            "lib.rs": "mod a;\n",
            "a/mod.rs": "mod dir;\nmod x;\n",
            "a/dir/mod.rs": "mod one;\nmod two;\n",
            "a/dir/one.rs": "use crate::a::x::X;\n",
            "a/dir/two.rs": "pub struct Two;\n",
            "a/x.rs": "use super::dir;\npub struct X(dir::two::Two);\n",
        }
        (problem,) = self.problems(files)
        self.assertTrue(problem.startswith("circle in pipeline/a: dir -> x -> dir"), problem)

    def test_an_alias_does_not_hide_an_import(self):
        files = {
            "lib.rs": "mod a;\n",
            "a/mod.rs": "mod x;\nmod y;\n",
            "a/x.rs": "use crate::a as here;\nfn f() { here::y::g() }\n",
            "a/y.rs": "use super::x as other;\npub fn g() { other::f() }\n",
        }
        (problem,) = self.problems(files)
        self.assertTrue(problem.startswith("circle in pipeline/a: x -> y -> x"), problem)

    def test_tests_comments_and_texts_do_not_count(self):
        files = {
            "lib.rs": "mod a;\nmod b;\n",
            "a.rs": '//! See [`crate::b::G`].\nconst S: &str = "crate::b::G";\n'
            "#[cfg(test)]\nmod tests {\n    use crate::b::G;\n    fn f() { let _ = '}'; }\n}\n"
            "#[cfg(test)]\nfn helper() -> crate::b::G { crate::b::G }\n",
            "b.rs": "#[cfg(test)]\nmod tests;\npub struct G;\n",
            "b/tests.rs": "use crate::a::S;\n",
        }
        self.assertEqual(self.problems(files), [])

    def test_a_room_without_a_floor_and_a_foreign_crate_are_named(self):
        problems = self.problems({"lib.rs": "mod a;\nmod c;\n", "a.rs": "use crate::c::C;\nuse model::X;\n", "c.rs": "pub struct C;\n"})
        self.assertEqual(len(problems), 2, problems)
        self.assertTrue(any("`c`" in problem for problem in problems))
        self.assertTrue(any("names model" in problem for problem in problems))

    def test_a_known_arrow_passes_and_a_stale_entry_does_not(self):
        upward = {"lib.rs": "mod a;\nmod b;\n", "a.rs": "use crate::b::g;\n", "b.rs": "pub fn g() {}\n"}
        self.assertEqual(self.problems(upward, known={"pipeline: a -> b": "goes next"}), [])
        (problem,) = self.problems({"lib.rs": "mod a;\n", "a.rs": ""}, known={"pipeline: a -> b": "goes next"})
        self.assertIn("stale entry", problem)


if __name__ == "__main__":
    unittest.main()
