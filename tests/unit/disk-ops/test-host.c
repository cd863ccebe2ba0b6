/* What the helper does with a disk: locks, and /sys and /proc of a made-up
 * machine. */

#include "unit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <base/files.h>
#include <disk-ops/host-disk.h>
#include <disk-ops/host-machine.h>
#include <disk-ops/lock.h>

static char root[64];

static void
put (const char *path, const char *text)
{
  CLEANUP_FREE char *full = xasprintf ("%s%s", root, path);
  CLEANUP_FREE char *folder = xstrdup (full);

  *strrchr (folder, '/') = '\0';
  CU_ASSERT_EQUAL_FATAL (folder_make (folder, 0700, NULL), 0);
  CU_ASSERT_EQUAL_FATAL (file_write_atomic (full, text, strlen (text), 0600,
                                            NULL),
                         0);
}

/* sda: helper's own, in LVM; sdb: free, read-only; sdc: a partition mounted */
static void
make_machine (void)
{
  strcpy (root, "/tmp/bootmend-test-host-XXXXXX");
  CU_ASSERT_PTR_NOT_NULL_FATAL (mkdtemp (root));
  put ("/sys/dev/block/8:0/size", "2048\n");
  put ("/sys/dev/block/8:0/ro", "0\n");
  put ("/sys/dev/block/8:0/sda1/dev", "8:1\n");
  put ("/sys/dev/block/8:0/sda1/holders/dm-0/x", "");
  put ("/sys/dev/block/8:16/ro", "1\n");
  put ("/sys/dev/block/8:16/size", "4096\n");
  put ("/sys/dev/block/8:16/serial", "  vol0abc \n");
  put ("/sys/dev/block/8:32/sdc1/dev", "8:33\n");
  put ("/sys/dev/block/8:33/partition", "1\n");
  put ("/proc/self/mountinfo",
       "22 1 253:0 / / rw - ext4 /dev/dm-0 rw\n"
       "30 22 8:33 / /mnt/data rw - ext4 /dev/sdc1 rw\n");
  put ("/proc/swaps", "Filename Type Size Used Priority\n");
  put ("/sys/block/loop3/loop/backing_file", "/images/a b.raw\n");
}

static void
test_use_by_this_machine (void)
{
  static const struct {
    unsigned minor;
    const char *why; /* NULL: free */
  } rows[] = {{0, "dm-0"}, {16, NULL}, {32, "/mnt/data"}, {33, "partition"}};

  make_machine ();
  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    CLEANUP_FREE char *use = host_disk_use (root, makedev (8, rows[i].minor));

    if (rows[i].why == NULL) {
      CU_ASSERT_PTR_NULL (use);
    } else {
      CU_ASSERT_PTR_NOT_NULL_FATAL (use);
      CU_ASSERT_PTR_NOT_NULL (strstr (use, rows[i].why));
    }
  }
  CU_ASSERT_EQUAL (folder_remove (root, NULL), 0);
}

static void
test_facts_of_a_device (void)
{
  CLEANUP_FREE char *serial = NULL, *none = NULL, *loop = NULL, *other = NULL;

  make_machine ();
  serial = host_disk_serial (root, makedev (8, 16));
  none = host_disk_serial (root, makedev (8, 0));
  CU_ASSERT_PTR_NOT_NULL_FATAL (serial);
  CU_ASSERT_STRING_EQUAL (serial, "vol0abc");
  CU_ASSERT_PTR_NULL (none);
  CU_ASSERT_TRUE (host_disk_read_only (root, makedev (8, 16)));
  CU_ASSERT_FALSE (host_disk_read_only (root, makedev (8, 0)));
  CU_ASSERT_EQUAL (host_disk_size (root, makedev (8, 16)), 4096 * 512);
  CU_ASSERT_EQUAL (host_disk_size (root, makedev (9, 9)), -1);
  loop = host_loop_of (root, "/images/a b.raw");
  other = host_loop_of (root, "/images/a");
  CU_ASSERT_PTR_NOT_NULL_FATAL (loop);
  CU_ASSERT_STRING_EQUAL (loop, "loop3");
  CU_ASSERT_PTR_NULL (other);
  CU_ASSERT_EQUAL (folder_remove (root, NULL), 0);
}

static void
test_machine (void)
{
  static const char own[] = "527c2691-029f-fe4c-b1f4-a4da7ebac2cf";
  static const struct {
    const char *shown; /* NULL: nothing is shown */
    enum host_machine is;
  } rows[] = {
      {"527c2691-029f-fe4c-b1f4-a4da7ebac2cf\n", MACHINE_SAME},
      {"527C2691-029F-FE4C-B1F4-A4DA7EBAC2CF\n", MACHINE_SAME},
      {"91267c52-9f02-4cfe-b1f4-a4da7ebac2cf\n", MACHINE_SAME}, /* swapped */
      {"527c2691-029f-fe4c-b1f4-a4da7ebac2ce\n", MACHINE_OTHER},
      {"527c2691-9f02-fe4c-b1f4-a4da7ebac2cf\n", MACHINE_OTHER},
      {"527c2691-029f-fe4c-b1f4-a4da7ebac2cf0\n", MACHINE_UNKNOWN},
      {"Not Settable\n", MACHINE_UNKNOWN},
      {"", MACHINE_UNKNOWN},
      {NULL, MACHINE_UNKNOWN},
  };

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    CLEANUP_FREE char *why = NULL;

    strcpy (root, "/tmp/bootmend-test-host-XXXXXX");
    CU_ASSERT_PTR_NOT_NULL_FATAL (mkdtemp (root));
    if (rows[i].shown)
      put ("/product_uuid", rows[i].shown);
    CU_ASSERT_EQUAL (host_machine_is (root, own, &why), rows[i].is);
    CU_ASSERT_PTR_NOT_NULL (why);
    CU_ASSERT_EQUAL (folder_remove (root, NULL), 0);
  }
}

static int
take (struct patient_lock *lock, const char *path, bool for_writing)
{
  char *who = NULL;
  int r = patient_lock_take (lock, path, for_writing, &who, NULL);

  free (who);
  return r;
}

static void
test_locks (void)
{
  char path[] = "/tmp/bootmend-test-lock-XXXXXX";
  struct patient_lock a = PATIENT_LOCK_INIT, b = PATIENT_LOCK_INIT;
  int fd = mkstemp (path);

  /* open for writing by someone who knows nothing of locks */
  CU_ASSERT_EQUAL (take (&a, path, false), 1);
  close (fd);
  CU_ASSERT_EQUAL (take (&a, path, false), 0);
  CU_ASSERT_EQUAL (take (&b, path, false), 0); /* two may look */
  CU_ASSERT_EQUAL (patient_lock_upgrade (&a, NULL), 1);
  patient_lock_drop (&a);
  CU_ASSERT_EQUAL (take (&a, path, true), 1); /* but not write meanwhile */
  patient_lock_drop (&b);
  CU_ASSERT_EQUAL (take (&a, path, true), 0);
  CU_ASSERT_EQUAL (patient_lock_upgrade (&a, NULL), 0);
  CU_ASSERT_EQUAL (take (&b, path, false), 1);
  patient_lock_drop (&a);
  CU_ASSERT_EQUAL (take (&b, path, true), 0);
  patient_lock_drop (&b);
  unlink (path);
}

/* A qemu-img that outlives us keeps the disk locked. */
static void
test_children_inherit_the_lock (void)
{
  char path[] = "/tmp/bootmend-test-lock-XXXXXX";
  struct patient_lock a = PATIENT_LOCK_INIT, b = PATIENT_LOCK_INIT;
  pid_t pid;

  close (mkstemp (path));
  CU_ASSERT_EQUAL_FATAL (take (&a, path, true), 0);
  pid = fork ();
  if (pid == 0) {
    execlp ("sleep", "sleep", "60", (char *)NULL);
    _exit (127);
  }
  usleep (200000);
  patient_lock_drop (&a);
  CU_ASSERT_EQUAL (take (&b, path, true), 1);
  kill (pid, SIGKILL);
  waitpid (pid, NULL, 0);
  CU_ASSERT_EQUAL (take (&b, path, true), 0);
  patient_lock_drop (&b);
  unlink (path);
}

static const struct unit_case cases[] = {
    {"use by this machine", test_use_by_this_machine},
    {"facts of a device", test_facts_of_a_device},
    {"which machine", test_machine},
    {"locks", test_locks},
    {"children inherit the lock", test_children_inherit_the_lock},
};
UNIT_MAIN ("disk-ops host", cases)
