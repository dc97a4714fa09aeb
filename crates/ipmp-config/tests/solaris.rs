//! The Solaris command and files: each rule of it once, as edits, and each refusal as its sentence.

mod solaris {
    pub mod commands;
    pub mod files;
    pub mod random;
}
