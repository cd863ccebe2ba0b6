/* Findings on a Linux: kernels with what belongs to them, the first process,
 * SELinux, auditd, and what the last boot wrote into its logs. */

#include "findings.h"

#include <string.h>
#include <strings.h>

#include "disk.h"
#include "guest-path.h"
#include "guest-text.h"
#include "lines.h"
#include "linux-devices.h"

#define TAIL_BYTES  (48 * 1024) /* of one log */
#define MAX_KERNELS 20

static char *
read_text (struct disk *disk, const char *path)
{
  CLEANUP_GUEST_TEXT struct guest_text text = {0};

  if (guest_text_read (disk, path, &text, NULL) != 1 || text.path == NULL ||
      text.content == NULL || memchr (text.content, '\0', text.len))
    return NULL;
  return xstrndup (text.content, text.len);
}

/* --- kernels --- */

/* A version has an initramfs by one of the names that distributions use. */
static bool
has_initramfs (struct disk *disk, const char *version)
{
  static const struct {
    const char *before, *after;
  } names[] = {{"initrd.img-", ""}, {"initramfs-", ".img"}, {"initrd-", ""}};

  for (size_t i = 0; i < ARRAY_SIZE (names); i++) {
    CLEANUP_FREE char *path =
        xasprintf ("/boot/%s%s%s", names[i].before, version, names[i].after);
    int64_t size = findings_size (disk, path);

    if (size > 0 || size == -2)
      return true;
  }
  return false;
}

/* NULL: it can't be told where they are. */
static const char *
modules_folder (struct disk *disk)
{
  static const char *const folders[] = {"/usr/lib/modules", "/lib/modules"};

  for (size_t i = 0; i < ARRAY_SIZE (folders); i++)
    if (findings_size (disk, folders[i]) > 0)
      return folders[i];
  return NULL;
}

static void
look_at_kernel (struct disk *disk, struct findings *f, const char *version,
                const char *modules)
{
  CLEANUP_FREE char *folder = NULL;

  if (strstr (version, "rescue"))
    return;
  if (!has_initramfs (disk, version))
    findings_fact (f, "initramfs-missing", version,
                   "/boot has a kernel %s, but no initramfs for it", version);
  if (modules == NULL)
    return;
  folder = xasprintf ("%s/%s", modules, version);
  if (findings_size (disk, folder) == -1)
    findings_fact (f, "modules-missing", version, "%s is not there", folder);
}

/* Is all of /boot at hand? */
static bool
boot_is_here (struct disk *disk)
{
  CLEANUP_FREE char *fstab = NULL, *device = NULL;

  if (linux_boot_mount (disk, NULL) == -1)
    return false;
  fstab = read_text (disk, "/etc/fstab");
  device = fstab ? fstab_device_of (fstab, strlen (fstab), "/boot") : NULL;
  return device == NULL || disk->boot_mounted;
}

static void
look_at_boot (struct disk *disk, struct findings *f)
{
  static const char *const configs[] = {"/boot/grub/grub.cfg",
                                        "/boot/grub2/grub.cfg",
                                        "/boot/loader/entries", "/boot/efi/EFI",
                                        "/boot/extlinux"};
  const char *modules = modules_folder (disk);
  CLEANUP_STRV char **kernels = NULL;
  bool config = false;

  if (findings_size (disk, "/boot") < 0 || !boot_is_here (disk))
    return;
  if (guest_path_glob (disk, "/boot/vmlinu[xz]-*", &kernels, NULL) != 1) {
    findings_fact (f, "kernel-missing", NULL,
                   "/boot has no kernel (vmlinuz-*)");
    return;
  }
  for (size_t i = 0; kernels[i] && i < MAX_KERNELS; i++)
    look_at_kernel (disk, f, guest_path_name (kernels[i]) + strlen ("vmlinuz-"),
                    modules);
  for (size_t i = 0; i < ARRAY_SIZE (configs); i++)
    config = config || findings_size (disk, configs[i]) != -1;
  if (!config)
    findings_fact (f, "grub-config-missing", NULL,
                   "/boot has no configuration of a boot loader");
}

/* --- the rest --- */

static void
look_for_init (struct disk *disk, struct findings *f)
{
  static const char *const places[] = {"/usr/lib/systemd/systemd",
                                       "/usr/sbin/init",
                                       "/lib/systemd/systemd",
                                       "/sbin/init",
                                       "/etc/init",
                                       "/bin/init"};

  for (size_t i = 0; i < ARRAY_SIZE (places); i++)
    if (findings_size (disk, places[i]) > 0)
      return;
  /* a /usr of its own is not mounted here */
  if (findings_size (disk, "/usr/lib") > 0)
    findings_fact (f, "init-missing", NULL,
                   "there is no /sbin/init and no systemd");
}

/* The value of "KEY=value" lines; to be freed. */
static char *
value_of (const char *text, const char *key)
{
  size_t len = strlen (key);

  for (const char *p = text; p && *p; p = strchr (p, '\n')) {
    p += *p == '\n';
    if (strncmp (p, key, len) == 0 && p[len] == '=')
      return xstrndup (p + len + 1, strcspn (p + len + 1, " \t\r\n"));
  }
  return NULL;
}

static void
look_at_selinux (struct disk *disk, struct findings *f)
{
  static const char *const modes[] = {"disabled", "enforcing", "permissive"};
  CLEANUP_FREE char *text = read_text (disk, "/etc/selinux/config");
  CLEANUP_FREE char *type = text ? value_of (text, "SELINUXTYPE") : NULL;

  for (size_t i = 0; type && i < ARRAY_SIZE (modes); i++)
    if (strcmp (type, modes[i]) == 0)
      findings_fact (f, "selinux-type", type,
                     "/etc/selinux/config: SELINUXTYPE=%s", type);
}

static void
look_at_auditd (struct disk *disk, struct findings *f)
{
  CLEANUP_FREE char *text = read_text (disk, "/etc/audit/auditd.conf");

  for (char *line = text, *rest; line; line = rest) {
    rest = strchr (line, '\n');
    if (rest)
      *rest++ = '\0';
    if (strstr (line, "_action") && strcasestr (line, "halt") &&
        line[strspn (line, " \t")] != '#')
      findings_fact (f, "auditd-halts", NULL, "/etc/audit/auditd.conf: %s",
                     line);
  }
}

/* What a log says of the last boot, as text that JSON can hold. */
static void
add_log (struct disk *disk, struct findings *f, const char *path)
{
  int64_t size = findings_size (disk, path), from;
  CLEANUP_FREE char *real = NULL, *bytes = NULL, *text = NULL;
  const char *boot, *next;
  size_t len = 0;

  if (size <= 0 || guest_path_find (disk, path, &real, NULL) != 1)
    return;
  from = size > TAIL_BYTES ? size - TAIL_BYTES : 0;
  bytes = guestfs_pread (disk->g, real, TAIL_BYTES, from, &len);
  if (bytes == NULL)
    return;
  text = xmalloc (len + 1);
  for (size_t i = 0; i < len; i++)
    text[i] = bytes[i] == '\n' || (bytes[i] >= ' ' && bytes[i] <= '~')
                  ? bytes[i]
                  : '?';
  text[len] = '\0';
  boot = text;
  while ((next = strstr (*boot ? boot + 1 : boot, "Linux version ")))
    boot = next;
  json_array_append_new (f->texts,
                         json_make ("{s:s, s:s}", "where", path, "text", boot));
}

void
findings_linux (struct disk *disk, struct findings *f)
{
  static const char *const logs[] = {"/var/log/kern.log", "/var/log/messages",
                                     "/var/log/syslog", "/var/log/boot.log"};

  look_at_boot (disk, f);
  look_for_init (disk, f);
  look_at_selinux (disk, f);
  look_at_auditd (disk, f);
  for (size_t i = 0; i < ARRAY_SIZE (logs); i++)
    add_log (disk, f, logs[i]);
  findings_journal (disk, f);
}
