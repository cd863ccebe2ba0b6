/* The first process of the lean appliance.
 *
 * libguestfs runs guest disks in a small VM, the appliance.  Its stock start
 * spends two thirds of its time, when the CPU is emulated, in a shell script,
 * udev, and in looking for RAID, LVM and dynamic disks that most often are not
 * there.  This program is /init of an initrd of our own (appliance-cache.c
 * builds it) that starts the stock root image, unchanged, without them:
 *
 *   1. load the modules of the list /modules, in its order
 *   2. find the root image by the UUID of the kernel's command line, mount it
 *      and make it "/"
 *   3. do by hand what guestfsd expects of udev (devices.c)
 *   4. look at the disks: start RAID, LVM and dynamic disks only if there are
 *      any (stacks.c)
 *   5. run guestfsd; when it ends, end the VM
 *
 * Everything else (file systems, device mapper, ciphers) the kernel loads by
 * itself from the root image when it is asked for.
 *
 * The same program is also udevadm of the running appliance: with no udevd
 * there is nothing to settle.  It is linked statically, since there is no
 * library where it starts, and says on the console what fails; the launch then
 * fails, and the agent takes the stock appliance. */

#include "lean.h"

#include <fcntl.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

static void end (void) __attribute__ ((noreturn));

/* The VM ends: QEMU runs with -no-reboot. */
static void
end (void)
{
  sync ();
  reboot (RB_AUTOBOOT);
  for (;;)
    pause ();
}

void
complain (const char *fmt, ...)
{
  va_list args;

  va_start (args, fmt);
  fputs ("bootmend-init: ", stderr);
  vfprintf (stderr, fmt, args);
  fputs (": ", stderr);
  perror (NULL);
  va_end (args);
}

static void
die (const char *what)
{
  complain ("%s", what);
  end ();
}

ssize_t
read_text (const char *path, char *buf, size_t size)
{
  int fd = open (path, O_RDONLY | O_CLOEXEC);
  ssize_t n;

  if (fd == -1)
    return -1;
  n = read (fd, buf, size - 1);
  close (fd);
  buf[n > 0 ? n : 0] = '\0';
  return n;
}

void
write_text (const char *path, const char *text)
{
  int fd = open (path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

  if (fd == -1 || write (fd, text, strlen (text)) == -1)
    complain ("%s", path);
  if (fd != -1)
    close (fd);
}

void
run (const char *const *argv)
{
  pid_t pid = fork ();
  int status;

  if (pid == 0) {
    execvp (argv[0], (char *const *)argv);
    _exit (127);
  }
  if (pid > 0)
    waitpid (pid, &status, 0);
}

/* The value of NAME= on the kernel's command line, up to a blank. */
static int
parameter (const char *cmdline, const char *name, char *value, size_t size)
{
  const char *s = cmdline;
  size_t len = strlen (name);

  while ((s = strstr (s, name)) != NULL) {
    if ((s == cmdline || s[-1] == ' ') && s[len] == '=') {
      snprintf (value, size, "%.*s", (int)strcspn (s + len + 1, " \n"),
                s + len + 1);
      return 0;
    }
    s += len;
  }
  return -1;
}

static void
mount_or_die (const char *source, const char *target, const char *type,
              unsigned long flags, const char *options)
{
  mkdir (target, 0755);
  if (mount (source, target, type, flags, options) == -1)
    die (target);
}

/* Kernels that ship compressed modules unpack them themselves (Linux 5.17). */
#ifndef MODULE_INIT_COMPRESSED_FILE
#define MODULE_INIT_COMPRESSED_FILE 4
#endif

/* Since Linux 5.17 finit_module returns after all asynchronous probing that
 * the module began, so once the last one is in, all disks are there with their
 * partitions; wait_for_disks makes sure. */
static void
load_modules (void)
{
  char line[256];
  FILE *list = fopen ("/modules", "re");

  if (list == NULL)
    die ("/modules");
  while (fgets (line, sizeof line, list)) {
    char path[sizeof line + 1];
    const char *dot;
    int fd;

    line[strcspn (line, "\n")] = '\0';
    if (line[0] == '\0')
      continue;
    snprintf (path, sizeof path, "/%s", line);
    fd = open (path, O_RDONLY | O_CLOEXEC);
    dot = strrchr (line, '.');
    /* A driver for hardware that is not there says so; go on. */
    if (fd == -1 ||
        syscall (SYS_finit_module, fd, "",
                 dot && strcmp (dot, ".ko") != 0 ? MODULE_INIT_COMPRESSED_FILE
                                                 : 0) == -1)
      complain ("%s", line);
    if (fd != -1)
      close (fd);
    unlink (path); /* the initrd is memory */
  }
  fclose (list);
}

/* The root image becomes "/".  Kernel threads share this process's root, so
 * modprobe as called by the kernel runs in it, too. */
static void
enter_root (const char *device)
{
  static const char *const moved[] = {"dev", "proc", "sys"};

  if (mount (device, "/root", "ext2", MS_NOATIME, "") == -1)
    die (device);
  for (size_t i = 0; i < sizeof moved / sizeof moved[0]; i++) {
    char from[16], to[24];

    snprintf (from, sizeof from, "/%s", moved[i]);
    snprintf (to, sizeof to, "/root/%s", moved[i]);
    mkdir (to, 0755);
    if (mount (from, to, NULL, MS_MOVE, NULL) == -1)
      die (to);
  }
  if (chdir ("/root") == -1 || mount (".", "/", NULL, MS_MOVE, NULL) == -1 ||
      chroot (".") == -1 || chdir ("/") == -1)
    die ("change of root");
}

/* This program takes udevadm's place; self is a descriptor of it. */
static void
replace_udevadm (int self)
{
  static const char *const places[] = {"/usr/bin/udevadm", "/sbin/udevadm",
                                       "/usr/sbin/udevadm", "/bin/udevadm"};
  char source[32];
  struct stat own, there;

  snprintf (source, sizeof source, "/proc/self/fd/%d", self);
  if (fstat (self, &own) == -1)
    die ("/init");
  for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
    /* On a merged /usr all are one file, which is covered once. */
    if (stat (places[i], &there) == 0 &&
        !(there.st_dev == own.st_dev && there.st_ino == own.st_ino) &&
        mount (source, places[i], NULL, MS_BIND, NULL) == -1)
      complain ("%s", places[i]);
}

/* Nodes whose first opening makes the kernel load their module (fuse,
 * device mapper, btrfs, loop), as kmod static-nodes would tell. */
static void
make_static_nodes (void)
{
  struct utsname kernel;
  char path[512], line[256], module[64], name[64], parent[128];
  unsigned major_no, minor_no;
  char type;
  FILE *list;

  uname (&kernel);
  snprintf (path, sizeof path, "/lib/modules/%s/modules.devname",
            kernel.release);
  list = fopen (path, "re");
  if (list == NULL) {
    complain ("%s", path);
    return;
  }
  while (fgets (line, sizeof line, list)) {
    char *slash;

    if (line[0] == '#' || sscanf (line, "%63s %63s %c%u:%u", module, name,
                                  &type, &major_no, &minor_no) != 5)
      continue;
    snprintf (path, sizeof path, "/dev/%s", name);
    snprintf (parent, sizeof parent, "/dev/%s", name);
    slash = strrchr (parent, '/');
    *slash = '\0';
    mkdir (parent, 0755);
    mknod (path, (type == 'b' ? S_IFBLK : S_IFCHR) | 0600,
           makedev (major_no, minor_no));
  }
  fclose (list);
}

static void
loopback_up (void)
{
  struct ifreq request = {.ifr_name = "lo"};
  int fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

  request.ifr_flags = IFF_UP;
  if (fd == -1 || ioctl (fd, SIOCSIFFLAGS, &request) == -1)
    complain ("lo");
  if (fd != -1)
    close (fd);
}

/* What the stock /init does for programs of the root image. */
static void
furnish (void)
{
  static const char *const folders[] = {
      "/dev/pts", "/dev/shm",      "/dev/mapper",     "/run/lock",
      "/run/lvm", "/run/lock/lvm", "/run/cryptsetup", "/sysroot",
      "/tmp",     "/var/tmp",      "/tmp/lvm",
  };
  char uuid[64];

  mount_or_die ("tmpfs", "/run", "tmpfs", MS_NOSUID, "size=20%,mode=0755");
  for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
    mkdir (folders[i], 0755);
  chmod ("/tmp", 01777);
  chmod ("/var/tmp", 01777);
  mount_or_die ("devpts", "/dev/pts", "devpts", 0, "");
  mount_or_die ("shmfs", "/dev/shm", "tmpfs", 0, "mode=1777");
  if (symlink ("/proc/self/fd", "/dev/fd") == -1)
    complain ("/dev/fd");
  if (symlink ("/proc/mounts", "/etc/mtab") == -1 && errno != EEXIST)
    complain ("/etc/mtab");
  if (read_text ("/proc/sys/kernel/random/uuid", uuid, sizeof uuid) > 0) {
    char id[64];
    size_t n = 0;

    for (const char *s = uuid; *s; s++)
      if (*s != '-')
        id[n++] = *s;
    id[n] = '\0';
    write_text ("/etc/machine-id", id);
  }
  /* "all defaults", and no list of devices that are allowed */
  write_text ("/tmp/lvm/lvm.conf", "devices {\n\tuse_devicesfile = 0\n}\n"
                                   "activation {\n\tudev_sync = 0\n"
                                   "\tudev_rules = 0\n}\n");
  loopback_up ();
}

static void
run_daemon (const char *cmdline)
{
  char channel[256], value[16];
  const char *argv[6] = {"guestfsd"};
  size_t n = 1;
  pid_t pid, ended;
  int status;

  if (parameter (cmdline, "guestfs_channel", channel, sizeof channel) == 0) {
    argv[n++] = "--channel";
    argv[n++] = channel;
  }
  if (parameter (cmdline, "guestfs_verbose", value, sizeof value) == 0 &&
      strcmp (value, "1") == 0)
    argv[n++] = "--verbose";
  pid = fork ();
  if (pid == 0) {
    execvp (argv[0], (char *const *)argv);
    complain ("guestfsd");
    _exit (127);
  }
  do
    ended = wait (&status);
  while (ended != pid && !(ended == -1 && errno == ECHILD));
}

static void
boot (void)
{
  char cmdline[4096], uuid[64], value[16], device[64];
  int self = open ("/init", O_RDONLY | O_CLOEXEC);

  mount_or_die ("devtmpfs", "/dev", "devtmpfs", 0, "");
  mount_or_die ("proc", "/proc", "proc", 0, "");
  mount_or_die ("sysfs", "/sys", "sysfs", 0, "");
  mkdir ("/root", 0755);
  if (read_text ("/proc/cmdline", cmdline, sizeof cmdline) <= 0)
    die ("/proc/cmdline");
  errno = ENOTSUP;
  if (parameter (cmdline, "guestfs_network", value, sizeof value) == 0 &&
      strcmp (value, "1") == 0)
    die ("a network: only the stock appliance has one");
  errno = EINVAL;
  if (parameter (cmdline, "root", uuid, sizeof uuid) == -1 ||
      strncmp (uuid, "UUID=", 5) != 0)
    die ("root=UUID=... of the command line");
  load_modules ();
  if (find_root (uuid + 5, device, sizeof device) == -1)
    die ("no disk, or more than one, has the UUID of the root image");
  enter_root (device);
  replace_udevadm (self);
  close (self);
  furnish ();
  make_static_nodes ();
  name_disks (device);
  name_ports ();
  start_stacks (device);
  run_daemon (cmdline);
}

int
main (int argc, char **argv)
{
  const char *name = argc > 0 ? strrchr (argv[0], '/') : NULL;

  name = name ? name + 1 : argc > 0 ? argv[0] : "";
  if (strcmp (name, "udevadm") == 0)
    return 0;
  if (getpid () != 1) {
    fputs ("bootmend-init is the first process of bootmend's appliance; it "
           "does nothing here\n",
           stderr);
    return 1;
  }
  setenv ("PATH", "/sbin:/usr/sbin:/bin:/usr/bin", 1);
  setenv ("LVM_SYSTEM_DIR", "/tmp/lvm", 1);
  /* libdevmapper and mdadm make nodes themselves if they do not expect udev
   * to. */
  setenv ("DM_DISABLE_UDEV", "1", 1);
  setenv ("MDADM_NO_UDEV", "1", 1);
  boot ();
  end ();
}
