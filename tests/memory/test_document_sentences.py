# SPDX-License-Identifier: Apache-2.0
from backends.text.sentence_chain import read_chain
from studio.memory.document_sentences import DocumentSentences
from studio.project.records import Brief, Origin, PlannedSection
from studio.project.store import Project


def test_each_section_is_a_link_and_what_is_unchanged_is_sent_under_the_same_hash(tmp_path):
    blobs: dict[str, bytes] = {}
    with Project.create(tmp_path / "p.longhand", Brief("A keeper", 300)) as project:
        project.set_plan("The Light", [PlannedSection(title, 100) for title in ("One", "Two", "Three")])
        for leaf, text in zip(project.leaves(), ("It rained. He slept.", "She\nleft.", ""), strict=True):
            if text:
                project.store_text(leaf.id, text, expected=0, origin=Origin.TYPED)
        known = DocumentSentences(project, blobs.__setitem__)
        first = known.known(project.leaves()[:2], "")
        assert read_chain(first, blobs) == ["It rained.", "He slept.", "She left."]
        sent = len(blobs)
        longer = known.known(project.leaves()[:2], "They came. They went")
        assert read_chain(longer, blobs) == ["It rained.", "He slept.", "She left.", "They came.", "They went"]
        assert len(blobs) == sent + 1
        one = project.leaves()[0]
        project.store_text(one.id, "It snowed.", expected=one.revision, origin=Origin.TYPED)
        assert read_chain(known.known(project.leaves()[:2], ""), blobs) == ["It snowed.", "She left."]
