//! What the machine offers to models: its graphics cards and its memory. Whatever cannot be read is left out; nothing here fails.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

use crate::desk::{Gpu, Machine, printable};

/// How long a program may take to answer; a driver in trouble would keep `nvidia-smi` waiting for minutes.
const PATIENCE: Duration = Duration::from_secs(2);
/// More than any of these programs and files have to say, in bytes.
const LONGEST: u64 = 64 * 1024;
/// More cards than any machine has.
const MOST_CARDS: usize = 64;

/// Where facts about a machine are read from.
#[derive(Clone, Debug)]
pub struct Sources {
    /// The program that tells of NVIDIA cards.
    pub nvidia_smi: PathBuf,
    /// The program that tells of a Mac. `None` elsewhere.
    pub sysctl: Option<PathBuf>,
    /// The folder that holds `proc` and `sys`.
    pub root: PathBuf,
}

impl Default for Sources {
    fn default() -> Self {
        let sysctl = cfg!(target_os = "macos").then(|| PathBuf::from("/usr/sbin/sysctl"));
        Self { nvidia_smi: PathBuf::from("nvidia-smi"), sysctl, root: PathBuf::from("/") }
    }
}

/// What this machine offers to models. Takes up to two seconds for each program it asks: not for a thread that must not wait.
pub fn machine() -> Machine {
    machine_from(&Sources::default())
}

/// What the machine offers that these sources describe.
pub fn machine_from(sources: &Sources) -> Machine {
    if let Some(sysctl) = &sources.sysctl {
        return mac(&answer(sysctl, &MAC_QUESTIONS));
    }
    let (memory, available) = meminfo(&text(&sources.root.join("proc/meminfo")));
    let memory = cgroup_limits(&sources.root).fold(memory, u64::min);
    let (mut gpus, unified) = nvidia(&answer(&sources.nvidia_smi, &NVIDIA_QUESTIONS), memory);
    gpus.extend(amd(&sources.root.join("sys/class/drm")));
    Machine { gpus, memory, memory_available: available.min(memory), unified }
}

/// What a program writes when it ends well within [`PATIENCE`], else nothing. Its whole process group is ended when it does not.
fn answer(program: &Path, arguments: &[&str]) -> String {
    let started =
        Command::new(program).args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0).spawn();
    let Ok(mut child) = started else { return String::new() };
    let group = Pid::from_child(&child);
    let (tell, told) = mpsc::channel();
    // A thread of its own: a program stuck in its driver does not even end when it is killed.
    std::thread::spawn(move || {
        let text = child.stdout.take().map(bounded).unwrap_or_default();
        let _ = tell.send(text);
        let _ = child.wait();
    });
    told.recv_timeout(PATIENCE).unwrap_or_else(|_| {
        let _ = kill_process_group(group, Signal::KILL);
        String::new()
    })
}

fn text(path: &Path) -> String {
    File::open(path).map(bounded).unwrap_or_default()
}

fn bounded(source: impl Read) -> String {
    let mut bytes = Vec::new();
    let _ = source.take(LONGEST).read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

const NVIDIA_QUESTIONS: [&str; 2] = ["--query-gpu=name,memory.total,memory.free", "--format=csv,noheader,nounits"];

/// The cards in `nvidia-smi`'s answer, and whether they use the main memory, which is then their size.
///
/// It counts in MiB, and has no figure (`[N/A]`) for memory that a card shares with the processor, as on GB10:
/// <https://github.com/NVIDIA/k8s-device-plugin/issues/1482>.
fn nvidia(answer: &str, memory: u64) -> (Vec<Gpu>, bool) {
    let mut unified = false;
    let card = |line: &str| {
        let mut parts = line.rsplitn(3, ',').map(str::trim);
        let (free, total, name) = (parts.next()?, parts.next()?, parts.next()?);
        let shared = matches!(total, "[N/A]" | "[Not Supported]");
        unified |= shared;
        let total = if shared { memory } else { bytes(total, 1 << 20)? };
        let free = bytes(free, 1 << 20).filter(|free| *free <= total);
        (total > 0).then(|| Gpu { name: named(name), total, free })
    };
    (answer.lines().filter_map(card).take(MOST_CARDS).collect(), unified)
}

/// The cards that AMD's driver lists: <https://docs.kernel.org/gpu/amdgpu/driver-misc.html#memory-usage-information>.
fn amd(drm: &Path) -> Vec<Gpu> {
    let entries = fs::read_dir(drm).into_iter().flatten().flatten().take(1024);
    let number = |name: &str| name.strip_prefix("card")?.parse::<u32>().ok();
    let mut cards: Vec<(u32, PathBuf)> =
        entries.filter_map(|entry| Some((number(entry.file_name().to_str()?)?, entry.path().join("device")))).collect();
    cards.sort();
    cards.into_iter().filter_map(|(number, device)| amd_card(number, &device)).take(MOST_CARDS).collect()
}

fn amd_card(number: u32, device: &Path) -> Option<Gpu> {
    let total = bytes(&text(&device.join("mem_info_vram_total")), 1).filter(|total| *total > 0)?;
    let used = bytes(&text(&device.join("mem_info_vram_used")), 1);
    let product = text(&device.join("product_name"));
    let name = if product.trim().is_empty() { format!("AMD GPU {number}") } else { named(&product) };
    Some(Gpu { name, total, free: used.and_then(|used| total.checked_sub(used)) })
}

/// The bytes of all memory, and of what programs could have of it now, in the text of `/proc/meminfo`.
fn meminfo(text: &str) -> (u64, u64) {
    let kib = |key: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
        bytes(line.trim().strip_suffix("kB")?, 1024)
    };
    let total = kib("MemTotal").unwrap_or(0);
    (total, kib("MemAvailable").unwrap_or(total))
}

/// The limits on this process's memory: of its group and of the groups around that, for both versions of control groups.
///
/// <https://docs.kernel.org/admin-guide/cgroup-v2.html#memory>
fn cgroup_limits(root: &Path) -> impl Iterator<Item = u64> {
    let groups = text(&root.join("proc/self/cgroup"));
    let group = groups.lines().find_map(|line| line.strip_prefix("0::")).unwrap_or("/");
    let inside: PathBuf = Path::new(group).components().filter(|part| matches!(part, Component::Normal(_))).collect();
    let base = root.join("sys/fs/cgroup");
    let mut files: Vec<PathBuf> = inside.ancestors().map(|group| base.join(group).join("memory.max")).collect();
    files.push(base.join("memory/memory.limit_in_bytes"));
    files.into_iter().filter_map(|file| bytes(&text(&file), 1)).filter(|limit| *limit > 0)
}

const MAC_QUESTIONS: [&str; 5] = ["hw.memsize", "hw.pagesize", "vm.page_free_count", "machdep.cpu.brand_string", "iogpu.wired_limit_mb"];

/// The Mac in `sysctl`'s answer. Apple's own chips let Metal have two thirds of a small memory and three quarters of a large one, or as
/// much as was set; newer systems let it have somewhat more of the largest.
///
/// <https://github.com/ggml-org/llama.cpp/pull/2011> (32 GiB), <https://github.com/ggml-org/llama.cpp/issues/1870> (64 GiB),
/// <https://github.com/antirez/ds4/pull/909> (128 GiB)
fn mac(answer: &str) -> Machine {
    let value = |key: &str| answer.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':')).map(str::trim);
    let number = |key: &str, unit| value(key).and_then(|text| bytes(text, unit));
    let memory = number("hw.memsize", 1).unwrap_or(0);
    let free = number("hw.pagesize", 1).and_then(|page| number("vm.page_free_count", page));
    let share = if memory <= 36 << 30 { memory / 3 * 2 } else { memory / 4 * 3 };
    let total = number("iogpu.wired_limit_mb", 1 << 20).filter(|limit| *limit > 0).unwrap_or(share).min(memory);
    let chip = value("machdep.cpu.brand_string").filter(|chip| chip.starts_with("Apple") && total > 0);
    let gpus: Vec<Gpu> = chip.map(|chip| Gpu { name: named(chip), total, free: None }).into_iter().collect();
    Machine { unified: !gpus.is_empty(), gpus, memory, memory_available: free.unwrap_or(memory).min(memory) }
}

/// A whole number of units in bytes.
fn bytes(text: &str, unit: u64) -> Option<u64> {
    text.trim().parse::<u64>().ok()?.checked_mul(unit)
}

/// A name as a screen can show it.
fn named(text: &str) -> String {
    printable(text.trim()).chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use std::time::Instant;

    const MIB: u64 = 1 << 20;

    fn gpu(name: &str, total: u64, free: Option<u64>) -> Gpu {
        Gpu { name: name.to_owned(), total, free }
    }

    fn write(root: &Path, path: &str, content: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn script(root: &Path, body: &str) -> PathBuf {
        write(root, "bin/nvidia-smi", &format!("#!/bin/sh\n{body}\n"));
        let path = root.join("bin/nvidia-smi");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    #[test]
    fn nvidia_cards_are_read_in_their_order() {
        let told = "NVIDIA GeForce RTX 4090, 24564, 23911\nNVIDIA RTX A6000, 49140, 48669\n";
        let cards =
            [gpu("NVIDIA GeForce RTX 4090", 24564 * MIB, Some(23911 * MIB)), gpu("NVIDIA RTX A6000", 49140 * MIB, Some(48669 * MIB))];
        assert_eq!(nvidia(told, 0), (cards.to_vec(), false));
    }

    #[test]
    fn a_card_without_memory_of_its_own_has_the_main_memory() {
        assert_eq!(nvidia("NVIDIA GB10, [N/A], [N/A]\n", 119 << 30), (vec![gpu("NVIDIA GB10", 119 << 30, None)], true));
        assert_eq!(nvidia("NVIDIA GB10, [N/A], [N/A]\n", 0), (vec![], true));
    }

    #[test]
    fn what_is_no_list_of_cards_is_none() {
        for told in [
            "",
            "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest driver is installed, and running.",
            "No devices were found",
            "A100, [Insufficient Permissions], 1",
            "x, 99999999999999999999, 1",
            "x, 18446744073709551615, 1",
            "x, -5, 1",
            "x, 0, 0",
            ",,",
            "\0,\0,\0",
        ] {
            assert_eq!(nvidia(told, 1), (vec![], false), "{told}");
        }
        assert_eq!(nvidia(&"x, 1, 1\n".repeat(1000), 1).0.len(), MOST_CARDS);
        assert_eq!(nvidia("a\u{1b}[2J, b, 10, 11", 1).0, [gpu("a\u{fffd}[2J, b", 10 * MIB, None)]);
    }

    #[test]
    fn meminfo_counts_in_kib() {
        assert_eq!(
            meminfo("MemTotal:       32756984 kB\nMemFree:  1 kB\nMemAvailable:   24000000 kB\n"),
            (32_756_984 << 10, 24_000_000 << 10)
        );
        assert_eq!(meminfo("MemTotal: 8 kB\n"), (8192, 8192));
        assert_eq!(meminfo("MemTotal: many kB\nMemAvailable: 99999999999999999999 kB\n"), (0, 0));
    }

    #[test]
    fn a_mac_shares_its_memory_with_its_card() {
        let told = |memory: u64, rest: &str| format!("hw.memsize: {memory}\nhw.pagesize: 16384\nvm.page_free_count: 1000\n{rest}");
        let small = mac(&told(24 << 30, "machdep.cpu.brand_string: Apple M4\niogpu.wired_limit_mb: 0\n"));
        assert_eq!((small.unified, small.memory, small.memory_available), (true, 24 << 30, 16_384_000));
        assert_eq!(small.gpus, [gpu("Apple M4", 16 << 30, None)]);
        assert_eq!(mac(&told(64 << 30, "machdep.cpu.brand_string: Apple M1 Max\n")).gpus[0].total, 48 << 30);
        assert_eq!(mac(&told(64 << 30, "machdep.cpu.brand_string: Apple M1 Max\niogpu.wired_limit_mb: 57344\n")).gpus[0].total, 56 << 30);
        let intel = mac(&told(16 << 30, "machdep.cpu.brand_string: Intel(R) Core(TM) i7\n"));
        assert_eq!((intel.gpus.len(), intel.unified), (0, false));
        assert_eq!(mac("nonsense"), Machine::default());
    }

    #[test]
    fn a_linux_machine_is_read_from_its_files_and_from_nvidia_smi() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        write(root, "proc/meminfo", "MemTotal: 67108864 kB\nMemAvailable: 50331648 kB\n");
        write(root, "sys/class/drm/card10/device/mem_info_vram_total", "17163091968\n");
        write(root, "sys/class/drm/card10/device/mem_info_vram_used", "163091968\n");
        write(root, "sys/class/drm/card2/device/mem_info_vram_total", "8573157376\n");
        write(root, "sys/class/drm/card2/device/product_name", "Radeon Pro W5500\n");
        write(root, "sys/class/drm/card2-DP-1/device/mem_info_vram_total", "1\n");
        write(root, "sys/class/drm/card3/device/mem_info_vram_total", "no number\n");
        let nvidia_smi = script(
            root,
            r#"[ "$1 $2" = "--query-gpu=name,memory.total,memory.free --format=csv,noheader,nounits" ] && echo "T4, 15360, 15000""#,
        );
        let sources = Sources { nvidia_smi, sysctl: None, root: root.to_owned() };
        let found = machine_from(&sources);
        assert_eq!((found.memory, found.memory_available, found.unified), (64 << 30, 48 << 30, false));
        let cards = [
            gpu("T4", 15360 * MIB, Some(15000 * MIB)),
            gpu("Radeon Pro W5500", 8_573_157_376, None),
            gpu("AMD GPU 10", 17_163_091_968, Some(17_000_000_000)),
        ];
        assert_eq!(found.gpus, cards);

        write(root, "proc/self/cgroup", "0::/user.slice/../a.slice\n");
        write(root, "sys/fs/cgroup/memory.max", "max\n");
        write(root, "sys/fs/cgroup/user.slice/memory.max", "34359738368\n");
        assert_eq!((machine_from(&sources).memory, machine_from(&sources).memory_available), (32 << 30, 32 << 30));
        write(root, "sys/fs/cgroup/memory/memory.limit_in_bytes", "17179869184\n");
        assert_eq!(machine_from(&sources).memory, 16 << 30);
    }

    #[test]
    fn nothing_there_is_no_machine_and_no_error() {
        let dir = tempfile::tempdir().unwrap();
        let sources = Sources { nvidia_smi: dir.path().join("absent"), sysctl: None, root: dir.path().to_owned() };
        assert_eq!(machine_from(&sources), Machine::default());
        assert_eq!(machine_from(&Sources { sysctl: Some(dir.path().join("absent")), ..sources }), Machine::default());
    }

    #[test]
    fn a_program_that_hangs_or_floods_is_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let begun = Instant::now();
        assert_eq!(answer(&script(dir.path(), "echo T4, 15360, 15000; sleep 600"), &[]), "");
        assert!(begun.elapsed() < Duration::from_secs(30));
        assert_eq!(answer(&script(dir.path(), "exec yes"), &[]).len() as u64, LONGEST);
    }
}
