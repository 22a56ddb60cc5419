//! A document into sections, and a section into sentences.

mod heading;
mod heading_words;
mod inline_heading;
mod section;
mod sentence;
mod sentence_marks;

pub(crate) use section::find_sections;
#[cfg(test)]
pub(crate) use sentence::LONGEST_SENTENCE;
pub(crate) use sentence::split_sentences;
