#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <base/command.h>
#include <base/files.h>
#include <base/json.h>
#include <base/strbuf.h>
#include <base/text.h>
#include <disk-ops/parse.h>
#include <protocol/protocol.h>

#include "check-expect.h"
#include "scratch.h"

/* Redo overlays are small, but the evidence of a repair may not be. */
#define SPACE_WANTED  (2ull << 30)
#define SPACE_NEEDED  (200ull << 20)
#define MEMORY_NEEDED (1024ll << 20)
#define PROGRAM_MS    10000

enum level {
  OK,
  WARNING, /* works, but worse */
  MISSING
};

struct finding {
  enum level level;
  char *detail;
  const char *advice; /* NULL if ok */
};

struct check_input {
  const struct agent_options *options;
  const struct agent_backend *backend;
  struct scratch scratch;
  struct err *scratch_err;
};

static struct finding
finding (enum level level, char *detail_taken, const char *advice)
{
  return (struct finding){level, detail_taken, level == OK ? NULL : advice};
}

static struct finding
check_kvm (const struct check_input *in)
{
  static const char advice[] =
      "the appliance is emulated (TCG): its start takes 3 to 10 s instead of "
      "1, "
      "the work on a disk about 1 s; choose a type with nested virtualization "
      "(metal) if that matters";
  CLEANUP_FREE char *probe = NULL;

  if (access ("/dev/kvm", F_OK) == -1)
    return finding (WARNING, xstrdup ("no /dev/kvm"), advice);
  if (access ("/dev/kvm", R_OK | W_OK) == -1)
    return finding (WARNING, xstrdup ("/dev/kvm may not be opened"),
                    "put the user into the group kvm");
  probe = path_join (in->scratch.folder ? in->scratch.folder : "/tmp", "probe");
  if (in->backend->kvm_is_broken (probe))
    return finding (WARNING, xstrdup ("/dev/kvm is there but does not work"),
                    advice);
  return finding (OK, xstrdup ("works"), NULL);
}

static struct finding
check_program (const char *program, enum level level, const char *advice)
{
  const char *argv[] = {program, "--version", NULL};
  CLEANUP_COMMAND struct command_result result = {0};
  CLEANUP_ERR struct err *err = NULL;
  CLEANUP_FREE char *line = NULL;
  const struct strbuf *said = &result.output;

  if (command_run_ok (argv, NULL, PROGRAM_MS, 65536, &result, &err) == -1)
    return finding (level, text_printable (err->msg), advice);
  if (said->len == 0) /* ntfs-3g tells it on stderr */
    said = &result.messages;
  line = xstrndup (said->len ? said->buf : program,
                   said->len ? strcspn (said->buf, "\n") : strlen (program));
  return finding (OK, text_printable (line), NULL);
}

static struct finding
check_qemu (const struct check_input *in)
{
  (void)in;
#ifdef __x86_64__
  return check_program ("qemu-system-x86_64", MISSING,
                        "install qemu-system-x86");
#else
  return check_program ("qemu-system-aarch64", MISSING,
                        "install qemu-system-arm");
#endif
}

static struct finding
check_qemu_img (const struct check_input *in)
{
  (void)in;
  return check_program ("qemu-img", MISSING, "install qemu-utils");
}

static struct finding
check_supermin (const struct check_input *in)
{
  (void)in;
  if (getenv ("LIBGUESTFS_PATH"))
    return finding (OK, xstrdup ("a fixed appliance is set"), NULL);
  return check_program ("supermin", MISSING, "install libguestfs0 (supermin)");
}

static struct finding
check_kernel (const struct check_input *in)
{
  glob_t found = {0};
  struct finding f;

  (void)in;
  if (getenv ("LIBGUESTFS_PATH"))
    return finding (OK, xstrdup ("of the fixed appliance"), NULL);
  if (glob ("/boot/vmlinuz-*", 0, NULL, &found) != 0)
    f = finding (MISSING, xstrdup ("no kernel in /boot for the appliance"),
                 "install linux-image-cloud-amd64");
  else if (access (found.gl_pathv[found.gl_pathc - 1], R_OK) == -1)
    f = finding (MISSING,
                 xasprintf ("%s can't be read",
                            found.gl_pathv[found.gl_pathc - 1]),
                 "run the agent as root, or make it readable");
  else
    f = finding (OK, xstrdup (found.gl_pathv[found.gl_pathc - 1]), NULL);
  globfree (&found);
  return f;
}

/* The appliance is built from the packages of this machine. */
static struct finding
check_ntfs (const struct check_input *in)
{
  (void)in;
  return check_program ("ntfs-3g", MISSING, "install ntfs-3g");
}

/* BitLocker is opened without it, so its age does not matter there
 * (docs/encryption.md). */
static struct finding
check_cryptsetup (const struct check_input *in)
{
  (void)in;
  return check_program ("cryptsetup", WARNING,
                        "install cryptsetup-bin: disks with LUKS can't be "
                        "opened without it; BitLocker does not need it");
}

static struct finding
check_user (const struct check_input *in)
{
  (void)in;
  if (geteuid () == 0)
    return finding (OK, xstrdup ("root"), NULL);
  return finding (WARNING, xasprintf ("uid %d", (int)geteuid ()),
                  "attached disks are usually only for root: use sudo, or "
                  "put the user into the group disk");
}

/* The first disk of the machine, its own: may disks be opened at all? */
static struct finding
check_devices (const struct check_input *in)
{
  CLEANUP_STRBUF struct strbuf names = STRBUF_EMPTY;
  CLEANUP_FREE char *denied = NULL;
  glob_t found = {0};
  size_t n = 0;

  (void)in;
  (void)glob ("/sys/block/*/device", 0, NULL, &found);
  for (size_t i = 0; i < found.gl_pathc; i++) {
    const char *start = found.gl_pathv[i] + strlen ("/sys/block/");
    CLEANUP_FREE char *name = xstrndup (start, strcspn (start, "/"));
    CLEANUP_FREE char *path = path_join ("/dev", name);
    CLEANUP_CLOSE int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd == -1 && (errno == EACCES || errno == EPERM) && denied == NULL)
      denied = xstrdup (path);
    if (n++ < 8)
      strbuf_addf (&names, "%s%s", names.len ? " " : "", name);
  }
  globfree (&found);
  if (denied && geteuid () == 0)
    return finding (WARNING, xasprintf ("root may not open %s", denied),
                    "is this a container? Attached disks must be usable in "
                    "/dev");
  if (denied)
    return finding (MISSING, xasprintf ("%s may not be opened", denied),
                    "the agent has to run as root: ,sudo in --helper, or log "
                    "in as root");
  if (n == 0)
    return finding (WARNING, xstrdup ("no disk is seen in /sys/block"),
                    "is this a container? Attached disks must show up in /dev");
  return finding (OK, xasprintf ("%zu disks: %s", n, names.buf), NULL);
}

static struct finding
check_scratch (const struct check_input *in)
{
  static const char advice[] = "free some space or name another folder with "
                               "--scratch";
  struct statvfs st;
  uint64_t free_bytes;
  CLEANUP_FREE char *size = NULL;

  if (in->scratch_err)
    return finding (MISSING, text_printable (in->scratch_err->msg), advice);
  if (statvfs (in->scratch.folder, &st) == -1)
    return finding (MISSING, xstrdup ("unknown"), advice);
  free_bytes = (uint64_t)st.f_bavail * st.f_frsize;
  size = text_bytes (free_bytes);
  return finding (free_bytes < SPACE_NEEDED   ? MISSING
                  : free_bytes < SPACE_WANTED ? WARNING
                                              : OK,
                  xasprintf ("%s free in %s", size, in->scratch.folder),
                  advice);
}

static struct finding
check_memory (const struct check_input *in)
{
  CLEANUP_FREE char *text = NULL, *size = NULL;
  const char *line;
  size_t len;
  int64_t bytes;

  (void)in;
  if (file_read ("/proc/meminfo", 65536, &text, &len, NULL) == -1 ||
      (line = strstr (text, "MemAvailable:")) == NULL)
    return finding (WARNING, xstrdup ("unknown"), "look at /proc/meminfo");
  bytes = strtoll (line + 13, NULL, 10) * 1024;
  size = text_bytes ((uint64_t)bytes);
  return finding (bytes < MEMORY_NEEDED ? WARNING : OK,
                  xasprintf ("%s available", size),
                  "an appliance takes up to 1.25 GiB: choose a larger machine");
}

/* Of what reads guests' logs, dumps and hives outside of the appliance. */
static struct finding
check_confinement (const struct check_input *in)
{
  CLEANUP_FREE char *why = NULL;

  (void)in;
  if (parse_can_confine (&why))
    return finding (OK, xstrdup ("seccomp"), NULL);
  return finding (WARNING, xstrdup (why),
                  "what reads guests' logs and dumps is confined by limits and "
                  "a user of its own alone; take a kernel with seccomp");
}

static const struct {
  const char *name;
  struct finding (*check) (const struct check_input *in);
} checks[] = {
    {"kvm", check_kvm},
    {"qemu", check_qemu},
    {"qemu-img", check_qemu_img},
    {"supermin", check_supermin},
    {"kernel", check_kernel},
    {"ntfs-3g", check_ntfs},
    {"cryptsetup", check_cryptsetup},
    {"user", check_user},
    {"devices", check_devices},
    {"scratch", check_scratch},
    {"memory", check_memory},
    {"confinement", check_confinement},
};

/* False: one of them is missing. */
static bool
add_expected (const struct agent_options *options, json_t *items)
{
  CLEANUP_JSON json_t *expect =
      options->expect ? json_parse (options->expect, strlen (options->expect),
                                    "--expect", NULL)
                      : NULL;
  json_t *item;
  size_t i, before = json_array_size (items);
  bool ok = true;

  check_expected (expect, items);
  for (i = before; (item = json_array_get (items, i)) != NULL; i++)
    ok = ok && strcmp (json_str (item, "level", ""), "missing") != 0;
  return ok;
}

int
check_main (const struct agent_options *options,
            const struct agent_backend *backend)
{
  static const char *const levels[] = {"ok", "warning", "missing"};
  struct check_input in = {.options = options, .backend = backend};
  CLEANUP_JSON json_t *report = message_new ("check", "agent");
  json_t *items = json_array ();
  CLEANUP_FREE char *text = NULL;
  char host[HOST_NAME_MAX + 1] = "";
  bool ok = true;

  (void)gethostname (host, sizeof host - 1);
  (void)!scratch_open (&in.scratch, options->scratch, &in.scratch_err);
  for (size_t i = 0; i < ARRAY_SIZE (checks); i++) {
    struct finding f = checks[i].check (&in);
    json_t *item = json_object ();

    json_put_str (item, "name", checks[i].name);
    json_put_str (item, "level", levels[f.level]);
    json_put_str (item, "detail", f.detail);
    json_put_str (item, "advice", f.advice);
    json_array_append_new (items, item);
    ok = ok && f.level != MISSING;
    free (f.detail);
  }
  ok = add_expected (options, items) && ok;
  json_put_str (report, "version", BOOTMEND_VERSION);
  json_put_str (report, "host", host);
  json_put_bool (report, "ok", ok);
  json_put (report, "items", items);
  text = json_text_pretty (report);
  puts (text);
  scratch_close (&in.scratch);
  err_free (in.scratch_err);
  return ok ? AGENT_OK : AGENT_ERROR;
}
