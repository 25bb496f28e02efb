//! The texts that make a system run a command on schedule, each a pure function of the same plan.
//!
//! All of them are made and tested on every system; which one is used where is decided in `timer`.

use std::path::Path;

use hizo_ledger::id::SeriesId;
use serde::{Deserialize, Serialize};

use super::Every;
use crate::failure::{Failure, Outcome, shown};
use crate::words::words;

/// What runs a command on schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Scheduler {
    Systemd,
    Crontab,
    Launchd,
    /// Task Scheduler of Windows.
    #[serde(rename = "task-scheduler")]
    #[value(name = "task-scheduler", help = None)]
    Tasks,
}

/// What is to be run, and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    program: String,
    home: String,
    series: SeriesId,
    tick_seconds: u64,
}

impl Plan {
    /// A plan to run `program` for a series of the safe in `home`.
    ///
    /// # Errors
    /// When a path cannot be written in a timer: it is relative, not text, or has control characters.
    pub(crate) fn new(program: &Path, home: &Path, series: SeriesId, every: Every) -> Outcome<Self> {
        let text = |path: &Path| {
            let text = path.to_str().filter(|text| path.has_root() && !text.chars().any(is_unwritable));
            text.map(str::to_owned).ok_or_else(|| cannot_name(path))
        };
        Ok(Self { program: text(program)?, home: text(home)?, series, tick_seconds: every.tick_seconds() })
    }

    /// The command line: the program and its arguments. It names the series by its id alone.
    pub(crate) fn command_line(&self) -> [String; 8] {
        let fixed = |text: &str| text.to_owned();
        let (program, home, series) = (self.program.clone(), self.home.clone(), self.series.to_string());
        [program, fixed("--home"), home, fixed("--quiet"), fixed("watch"), fixed("run"), fixed("--if-due"), series]
    }

    /// The minutes of each hour at which the timer ticks. Series tick at different minutes.
    fn minutes(&self) -> Vec<u64> {
        let step = (self.tick_seconds / 60).clamp(1, 60);
        let offset = u64::from(self.series.as_bytes()[0]) % step;
        (0..60 / step).map(|tick| offset + tick * step).collect()
    }
}

/// What no text file of a timer can hold: control characters, and two code points that XML has no place for.
fn is_unwritable(character: char) -> bool {
    character.is_control() || matches!(character, '\u{fffe}' | '\u{ffff}')
}

fn cannot_name(path: &Path) -> Failure {
    Failure::fixable(words!(
        "a timer cannot name {path}",
        "{path} は、タイマーの設定に書けない名前です",
        path = shown(path)
    ))
    .hint(words!(
        "Move it to a folder with a plain name, or run `hizo watch run` from a scheduler of your own.",
        "普通の名前のフォルダーに移すか、お使いのスケジューラーから `hizo watch run` を実行してください。"
    ))
}

/// The service of a systemd timer (systemd.service(5)).
///
/// # Errors
/// When the program's path has both a quote or backslash and an equals sign: no form of the line can hold it.
pub(crate) fn systemd_service(plan: &Plan) -> Outcome<String> {
    let [program, arguments @ ..] = plan.command_line();
    // Variables are not replaced in the program's path, so that a dollar sign stands for itself there alone. Quotes and
    // backslashes are refused there, and only there, however they are escaped: env takes such a path as an argument,
    // but would take one with an equals sign for a variable.
    let mut line = match program.contains(['"', '\'', '\\']) {
        false => systemd_quoted(&program, false),
        true if !program.contains('=') => format!("/usr/bin/env {}", systemd_quoted(&program, true)),
        true => return Err(cannot_name(Path::new(&program))),
    };
    for argument in &arguments {
        line.push(' ');
        line.push_str(&systemd_quoted(argument, true));
    }
    Ok(format!(
        "[Unit]\n\
         Description=hizo: scheduled deposit of series {}\n\
         \n\
         [Service]\n\
         Type=oneshot\n\
         ExecStart={line}\n\
         StandardOutput=null\n\
         Nice=10\n\
         IOSchedulingClass=idle\n",
        plan.series
    ))
}

/// A systemd timer (systemd.timer(5)); one that was missed is made up for.
pub(crate) fn systemd_timer(plan: &Plan) -> String {
    let minutes: Vec<_> = plan.minutes().iter().map(|minute| format!("{minute:02}")).collect();
    format!(
        "[Unit]\n\
         Description=hizo: scheduled deposit of series {}\n\
         \n\
         [Timer]\n\
         OnCalendar=*-*-* *:{}:00\n\
         Persistent=true\n\
         \n\
         [Install]\n\
         WantedBy=timers.target\n",
        plan.series,
        minutes.join(",")
    )
}

fn systemd_quoted(text: &str, escape_dollar: bool) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '%' => quoted.push_str("%%"),
            '$' if escape_dollar => quoted.push_str("$$"),
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

/// What a crontab line of a series ends with: the shell takes it for a comment.
pub(crate) fn crontab_mark(series: SeriesId) -> String {
    format!("# hizo watch {series}")
}

/// A line of a crontab (crontab(5)), without its end.
///
/// # Errors
/// When a path has a backslash: programs that read crontabs do not agree on what it means before a percent sign.
pub(crate) fn crontab_line(plan: &Plan) -> Outcome<String> {
    let minutes: Vec<_> = plan.minutes().iter().map(u64::to_string).collect();
    let mut line = format!("{} * * * *", minutes.join(","));
    for argument in plan.command_line() {
        if argument.contains('\\') {
            return Err(cannot_name(Path::new(&argument)));
        }
        line.push(' ');
        line.push_str(&shell_quoted(&argument).replace('%', "\\%"));
    }
    Ok(format!("{line} >/dev/null {}", crontab_mark(plan.series)))
}

fn shell_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// What launchd calls the job of a series.
pub(crate) fn launchd_label(series: SeriesId) -> String {
    format!("hizo.watch.{series}")
}

/// A property list for launchd (launchd.plist(5)).
pub(crate) fn launchd_plist(plan: &Plan) -> String {
    let arguments: String =
        plan.command_line().iter().map(|argument| format!("\t\t<string>{}</string>\n", xml_text(argument))).collect();
    let minute =
        |minute: &u64| format!("\t\t<dict>\n\t\t\t<key>Minute</key>\n\t\t\t<integer>{minute}</integer>\n\t\t</dict>\n");
    let minutes: String = plan.minutes().iter().map(minute).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n\
         <plist version=\"1.0\">\n\
         <dict>\n\
         \t<key>Label</key>\n\
         \t<string>{}</string>\n\
         \t<key>ProgramArguments</key>\n\
         \t<array>\n\
         {arguments}\
         \t</array>\n\
         \t<key>StartCalendarInterval</key>\n\
         \t<array>\n\
         {minutes}\
         \t</array>\n\
         \t<key>ProcessType</key>\n\
         \t<string>Background</string>\n\
         \t<key>StandardOutPath</key>\n\
         \t<string>/dev/null</string>\n\
         </dict>\n\
         </plist>\n",
        launchd_label(plan.series)
    )
}

/// What Task Scheduler calls the task of a series.
pub(crate) fn task_name(series: SeriesId) -> String {
    format!("hizo watch {series}")
}

/// A task for Task Scheduler, version 1.2. It is to be written as UTF-16 with a byte order mark.
///
/// # Errors
/// When a path has two percent signs: Task Scheduler would take what is between them for a variable.
pub(crate) fn task_xml(plan: &Plan) -> Outcome<String> {
    let [program, arguments @ ..] = plan.command_line();
    for text in [&program, &plan.home] {
        if text.matches('%').count() > 1 {
            return Err(cannot_name(Path::new(text)));
        }
    }
    let arguments: Vec<_> = arguments.iter().map(|argument| windows_quoted(argument)).collect();
    Ok(format!(
        r#"<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Description>hizo: scheduled deposit of series {series}</Description>
  </RegistrationInfo>
  <Triggers>
    <TimeTrigger>
      <Repetition>
        <Interval>PT{minutes}M</Interval>
      </Repetition>
      <StartBoundary>2026-01-01T00:{first:02}:00</StartBoundary>
      <Enabled>true</Enabled>
    </TimeTrigger>
  </Triggers>
  <Principals>
    <Principal id="Author">
      <LogonType>InteractiveToken</LogonType>
      <RunLevel>LeastPrivilege</RunLevel>
    </Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <StartWhenAvailable>true</StartWhenAvailable>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <Priority>7</Priority>
  </Settings>
  <Actions Context="Author">
    <Exec>
      <Command>{program}</Command>
      <Arguments>{arguments}</Arguments>
    </Exec>
  </Actions>
</Task>
"#,
        series = plan.series,
        minutes = plan.tick_seconds / 60,
        first = plan.minutes()[0],
        program = xml_text(&program),
        arguments = xml_text(&arguments.join(" ")),
    ))
}

/// An argument as the C runtime of Windows splits it again (CommandLineToArgvW).
fn windows_quoted(text: &str) -> String {
    if !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:\\".contains(c)) {
        return text.to_owned();
    }
    let mut quoted = String::from("\"");
    let mut backslashes = 0;
    for character in text.chars() {
        match character {
            '\\' => backslashes += 1,
            '"' => {
                quoted.extend(std::iter::repeat_n('\\', backslashes * 2 + 1));
                quoted.push('"');
                backslashes = 0;
            }
            _ => {
                quoted.extend(std::iter::repeat_n('\\', backslashes));
                quoted.push(character);
                backslashes = 0;
            }
        }
    }
    quoted.extend(std::iter::repeat_n('\\', backslashes * 2));
    quoted.push('"');
    quoted
}

fn xml_text(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            _ => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Everything that some timer's text gives a meaning to.
    const PROGRAM: &str = "/opt/町工場 \"秘\" & <co>/100% $HOME/hizo's";
    const HOME: &str = "/home/鈴木 一郎/.hizo; rm -rf '*' `id` #{x}";

    fn plan(every: &str) -> Plan {
        let series = SeriesId::from_hex("29d6a1b2c3d4e5f6").unwrap();
        Plan::new(Path::new(PROGRAM), Path::new(HOME), series, every.parse().unwrap()).unwrap()
    }

    fn arguments() -> Vec<String> {
        let id = "29d6a1b2c3d4e5f6";
        [PROGRAM, "--home", HOME, "--quiet", "watch", "run", "--if-due", id].map(str::to_owned).to_vec()
    }

    fn check(actual: &str, golden: &str) {
        // A checkout may have turned the ends of lines.
        assert_eq!(actual, golden.replace("\r\n", "\n"), "the text differs from its golden file");
    }

    #[test]
    fn systemd_units_are_the_golden_ones() {
        check(&systemd_service(&plan("1d")).unwrap(), include_str!("golden/systemd.service"));
        check(&systemd_timer(&plan("1d")), include_str!("golden/systemd.timer"));
        assert!(systemd_timer(&plan("15m")).contains("OnCalendar=*-*-* *:11,26,41,56:00\n"));
    }

    #[test]
    fn the_crontab_line_is_the_golden_one() {
        check(&format!("{}\n", crontab_line(&plan("1d")).unwrap()), include_str!("golden/crontab"));
        assert!(crontab_line(&plan("45m")).unwrap().starts_with("11,26,41,56 * * * * "));
    }

    #[test]
    fn the_property_list_is_the_golden_one() {
        check(&launchd_plist(&plan("1d")), include_str!("golden/launchd.plist"));
        assert_eq!(launchd_plist(&plan("15m")).matches("<key>Minute</key>").count(), 4);
    }

    #[test]
    fn the_task_is_the_golden_one() {
        check(&task_xml(&plan("1d")).unwrap(), include_str!("golden/task.xml"));
        assert!(task_xml(&plan("15m")).unwrap().contains("<Interval>PT15M</Interval>"));
    }

    #[test]
    fn systemd_reads_the_command_line_back() {
        let line = |plan: &Plan| {
            let service = systemd_service(plan).unwrap();
            service.lines().find_map(|line| line.strip_prefix("ExecStart=").map(str::to_owned)).unwrap()
        };
        let through_env = line(&plan("1d"));
        assert_eq!(read_systemd(through_env.strip_prefix("/usr/bin/env ").unwrap(), true), arguments());
        let plain = Plan { program: "/opt/町 工場/100% $HOME/hizo".into(), ..plan("1d") };
        assert_eq!(read_systemd(&line(&plain), false), plain.command_line());
    }

    /// Splits and unescapes as systemd.service(5), "Command lines", and systemd.syntax(7), "Quoting", say.
    fn read_systemd(line: &str, has_program: bool) -> Vec<String> {
        let mut found = Vec::new();
        let mut characters = line.chars().peekable();
        while let Some(opening) = characters.next() {
            assert_eq!(opening, '"', "every argument is quoted");
            let mut argument = String::new();
            loop {
                match characters.next().expect("a quote is closed") {
                    '"' => break,
                    '\\' => argument.push(characters.next().unwrap()),
                    '%' => argument.push(characters.next().filter(|c| *c == '%').expect("no specifier is left")),
                    '$' if has_program || !found.is_empty() => {
                        argument.push(characters.next().filter(|c| *c == '$').expect("no variable is left"));
                    }
                    other => argument.push(other),
                }
            }
            found.push(argument);
            assert!(matches!(characters.next(), None | Some(' ')), "arguments are apart");
        }
        found
    }

    #[test]
    #[cfg(unix)]
    fn a_shell_reads_the_crontab_line_back() {
        let line = crontab_line(&plan("1d")).unwrap();
        let command = line.strip_prefix("41 * * * * ").unwrap();
        // cron ends the command at the first percent sign without a backslash, and takes the backslash away.
        let mut given = String::new();
        let mut characters = command.chars().peekable();
        while let Some(character) = characters.next() {
            match character {
                '\\' if characters.peek() == Some(&'%') => given.extend(characters.next()),
                '%' => panic!("cron would cut the command here"),
                other => given.push(other),
            }
        }
        let given = given.replace(">/dev/null", "");
        let output =
            std::process::Command::new("sh").arg("-c").arg(format!("printf '%s\\n' {given}")).output().unwrap();
        let read: Vec<_> = String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
        assert_eq!(read, arguments());
    }

    #[test]
    fn windows_splits_the_arguments_again() {
        for (text, quoted) in [
            ("--quiet", "--quiet"),
            (r"C:\Users\taro\.hizo", r"C:\Users\taro\.hizo"),
            (r"C:\My Safe", r#""C:\My Safe""#),
            (r"C:\My Safe\", r#""C:\My Safe\\""#),
            (r#"say "hi""#, r#""say \"hi\"""#),
            (r#"a\" b"#, r#""a\\\" b""#),
            ("金庫", "\"金庫\""),
            ("", "\"\""),
        ] {
            assert_eq!(windows_quoted(text), quoted, "{text}");
        }
    }

    #[test]
    fn paths_that_a_timer_would_misread_are_refused() {
        let series = SeriesId::from_bytes([1; 8]);
        let every: Every = "1d".parse().unwrap();
        let refused = |program: &str| Plan::new(Path::new(program), Path::new("/h"), series, every).is_err();
        for program in ["hizo", "./hizo", "/a\nb", "/a\rb", "/a\tb", "/a\0b", "/a\u{7f}", "/a\u{85}b", "/a\u{ffff}"] {
            assert!(refused(program), "{program:?} is refused");
        }
        assert!(!refused("/opt/hizo"));
        let with = |program: &str| Plan::new(Path::new(program), Path::new("/h"), series, every).unwrap();
        assert!(crontab_line(&with("/a\\b")).is_err());
        assert!(task_xml(&with("/a %b% c")).is_err());
        for program in ["/a=b'c", "/a=\"", "/\\="] {
            assert!(systemd_service(&with(program)).is_err(), "{program:?} is refused");
        }
        assert!(systemd_service(&with("/a=b")).is_ok() && systemd_service(&with("/a'b")).is_ok());
    }

    #[test]
    #[cfg(unix)]
    fn a_path_that_is_not_text_is_refused() {
        let path = crate::system::path_from_bytes(b"/opt/\xff").unwrap();
        let every: Every = "1d".parse().unwrap();
        assert!(Plan::new(&path, Path::new("/h"), SeriesId::from_bytes([1; 8]), every).is_err());
    }
}
