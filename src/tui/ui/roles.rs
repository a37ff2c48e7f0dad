//! What a piece of the screen means. A theme says how each meaning looks.

/// Declares the roles together with the names that theme files use for them.
macro_rules! roles {
    ($($role:ident = $name:literal),* $(,)?) => {
        /// What a piece of the screen means.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Role {
            $(#[doc = concat!("`", $name, "` in theme files.")] $role),*
        }

        impl Role {
            /// Every role.
            pub const ALL: &[Self] = &[$(Self::$role),*];

            /// Its name in theme files. A role that a theme leaves out looks like the one its name begins with: `a.b.c`, `a.b`, `a`.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$role => $name),*
                }
            }
        }
    };
}

roles! {
    Screen = "screen",
    Text = "text",
    Dim = "text.dim",
    Strong = "text.strong",
    Number = "text.number",
    Border = "border",
    BorderFocused = "border.focused",
    Title = "title",
    TitleFocused = "title.focused",
    Tab = "tab",
    TabActive = "tab.active",
    Column = "column",
    Cursor = "list.cursor",
    CursorFocused = "list.cursor.focused",
    Mark = "list.mark",
    Key = "key",
    Prompt = "prompt",
    Queued = "state.queued",
    Running = "state.running",
    Paused = "state.paused",
    Completed = "state.completed",
    Failed = "state.failed",
    Cancelled = "state.cancelled",
    FitGpu = "fit.gpu",
    FitPartly = "fit.partly",
    FitMemory = "fit.memory",
    FitNot = "fit.not",
    Take = "take",
    BarDone = "bar.done",
    BarRest = "bar.rest",
    Info = "message.info",
    Warning = "message.warning",
    Error = "message.error",
    Badge = "badge",
    Gated = "badge.gated",
    Offline = "badge.offline",
    Dialog = "dialog",
    DialogBorder = "dialog.border",
    DialogDanger = "dialog.danger",
}
