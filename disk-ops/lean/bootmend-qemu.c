/* QEMU that ends with the process that runs it.
 *
 * guestfs_set_hv (g, ".../bootmend-qemu") makes libguestfs start its appliance
 * through this program.  It asks the kernel for SIGKILL when the thread that
 * started it ends, which survives execve, and becomes the real QEMU.  So a
 * worker that is killed leaves no QEMU behind that could still write.
 *
 *   BOOTMEND_QEMU          the real QEMU, as libguestfs found it
 *   BOOTMEND_QEMU_PARENT   process id of who is meant to start it
 *
 * appliance_apply (../appliance-image.c) sets both. */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* The parent of a process by /proc/PID/stat (the name before it may have
 * blanks and brackets); 0: gone. */
static pid_t
parent_of (pid_t pid)
{
  char path[32], stat[512], *after;
  size_t n;
  int parent;
  FILE *file;

  snprintf (path, sizeof path, "/proc/%d/stat", (int)pid);
  file = fopen (path, "re");
  if (file == NULL)
    return 0;
  n = fread (stat, 1, sizeof stat - 1, file);
  fclose (file);
  stat[n] = '\0';
  after = strrchr (stat, ')');
  return after && sscanf (after, ") %*c %d", &parent) == 1 ? parent : 0;
}

int
main (int argc, char **argv)
{
  const char *qemu = getenv ("BOOTMEND_QEMU");
  const char *parent_text = getenv ("BOOTMEND_QEMU_PARENT");
  pid_t parent = getppid ();

  (void)argc;
  if (qemu == NULL || parent_text == NULL) {
    fputs ("bootmend-qemu: BOOTMEND_QEMU and BOOTMEND_QEMU_PARENT must be "
           "set; bootmend-agent does so\n",
           stderr);
    return 1;
  }
  if (prctl (PR_SET_PDEATHSIG, SIGKILL) == -1) {
    perror ("bootmend-qemu: PR_SET_PDEATHSIG");
    return 1;
  }
  /* Who died before prctl will send no signal.  libguestfs starts QEMU itself,
   * but asks it for some of its features by way of a shell. */
  if (getppid () != parent || (parent != atoi (parent_text) &&
                               parent_of (parent) != atoi (parent_text))) {
    fputs ("bootmend-qemu: who started it is gone\n", stderr);
    return 1;
  }
  argv[0] = (char *)qemu;
  execv (qemu, argv);
  fprintf (stderr, "bootmend-qemu: %s: %s\n", qemu, strerror (errno));
  return 127;
}
