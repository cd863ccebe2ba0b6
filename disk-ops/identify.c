#include "identify.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/text.h>

#include "host-disk.h"
#include "host-machine.h"
#include "qemu-img.h"
#include "refuse.h"
#include "signature.h"

#define SECTOR 512

void
patient_release (struct patient *patient)
{
  free (TAKE (patient->path));
}

int
patient_stamp (const char *path, struct stamp *stamp, struct err **err)
{
  struct stat st;

  if (stat (path, &st) == -1)
    return err_set_errno (err, errno, "%s", path);
  memset (stamp, 0, sizeof *stamp);
  if (S_ISBLK (st.st_mode)) {
    stamp->dev = st.st_rdev;
    stamp->size_bytes = host_disk_size ("", st.st_rdev);
    return 0;
  }
  stamp->dev = st.st_dev;
  stamp->ino = st.st_ino;
  stamp->size_bytes = st.st_size;
  stamp->mtime_ns =
      (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
  return 0;
}

bool
stamp_equal (const struct stamp *a, const struct stamp *b)
{
  return a->dev == b->dev && a->ino == b->ino &&
         a->size_bytes == b->size_bytes && a->mtime_ns == b->mtime_ns;
}

json_t *
stamp_to_json (const struct stamp *stamp)
{
  return json_make ("{s:I, s:I, s:I, s:I}", "dev", (json_int_t)stamp->dev,
                    "ino", (json_int_t)stamp->ino, "size_bytes",
                    (json_int_t)stamp->size_bytes, "mtime_ns",
                    (json_int_t)stamp->mtime_ns);
}

void
stamp_from_json (const json_t *json, struct stamp *stamp)
{
  stamp->dev = (uint64_t)json_int (json, "dev", -1);
  stamp->ino = (uint64_t)json_int (json, "ino", -1);
  stamp->size_bytes = json_int (json, "size_bytes", -1);
  stamp->mtime_ns = json_int (json, "mtime_ns", -1);
}

/* One question to the host after the other; each fills *refusal and *why. */
struct look {
  struct patient *patient;
  struct stat st;
  const struct patient_expect *expect;
  bool to_write;
  const char **refusal;
  char **why;
};

static int
no (struct look *look, const char *code, char *why_taken)
{
  *look->refusal = code;
  *look->why = why_taken;
  return 1;
}

static int
look_at_device (struct look *look)
{
  dev_t device = look->st.st_rdev;
  CLEANUP_FREE char *use = host_disk_use ("", device), *serial = NULL;
  CLEANUP_CLOSE int fd = -1;

  if (use)
    return no (look, REFUSE_IN_USE, TAKE (use));
  if (look->expect->serial) {
    serial = host_disk_serial ("", device);
    if (serial == NULL || strcasecmp (serial, look->expect->serial) != 0) {
      CLEANUP_FREE char *shown = text_printable (serial ? serial : "none");

      return no (look, REFUSE_WRONG_SERIAL,
                 xasprintf ("serial number %s wanted, the device has %s",
                            look->expect->serial, shown));
    }
  }
  if (look->to_write && host_disk_read_only ("", device))
    return no (look, REFUSE_READ_ONLY, xstrdup ("the device is read-only"));
  /* The kernel lets only one party have a device exclusively: file systems,
   * LVM, MD and swap do. */
  fd = open (look->patient->path, O_RDONLY | O_EXCL | O_CLOEXEC);
  if (fd == -1 && errno == EBUSY)
    return no (look, REFUSE_IN_USE,
               xstrdup ("this machine's kernel has it in use"));
  return 0;
}

static int
look_at_file (struct look *look)
{
  CLEANUP_FREE char *loop = host_loop_of ("", look->patient->path);
  struct stat st = look->st;

  if (loop)
    return no (look, REFUSE_IN_USE,
               xasprintf ("%s of this machine is made from it", loop));
  if (st.st_size == 0)
    return no (look, REFUSE_EMPTY, xstrdup ("the file is empty"));
  if (look->to_write &&
      faccessat (AT_FDCWD, look->patient->path, W_OK, AT_EACCESS) == -1)
    return no (look, REFUSE_READ_ONLY, xstrdup ("no right to write to it"));
  /* Root may write to what its owner marked as not to be written: respect the
   * mark. */
  if (look->to_write && (st.st_mode & 0222) == 0)
    return no (look, REFUSE_READ_ONLY,
               xasprintf ("its mode is %03o: nobody is meant to write to it",
                          st.st_mode & 0777));
  return 0;
}

/* A file that says itself that it is no raw disk was given with the wrong
 * format; its bytes would make no sense in the appliance. */
static const char *
container_in (const char *path)
{
  CLEANUP_CLOSE int fd = open (path, O_RDONLY | O_CLOEXEC);
  unsigned char bytes[64];
  ssize_t n = fd == -1 ? -1 : pread (fd, bytes, sizeof bytes, 0);

  return n > 0 ? container_of (bytes, (size_t)n) : NULL;
}

static int
look_at_raw (struct look *look)
{
  struct patient *patient = look->patient;
  const char *container = container_in (patient->path);

  if (container)
    return no (look, REFUSE_NO_DISK,
               xasprintf ("it was given as a raw disk but is a %s file",
                          container));
  patient->virtual_size =
      patient->block ? patient->stamp.size_bytes : look->st.st_size;
  if (patient->virtual_size % SECTOR != 0)
    return no (look, REFUSE_TRUNCATED,
               xasprintf ("%" PRId64 " bytes are no whole number of sectors",
                          patient->virtual_size));
  return 0;
}

static int
look_at_qcow2 (struct look *look, struct err **err)
{
  CLEANUP_ERR struct err *why = NULL;
  struct patient *patient = look->patient;
  int r = qemu_img_check (patient->path, &patient->virtual_size, &why);

  if (r == 0)
    return 0;
  if (r == -1 && why->code != ERR_INPUT)
    return err_move (err, TAKE (why));
  return no (look, REFUSE_IMAGE_DAMAGED, xstrdup (why->msg));
}

/* A file is no attached disk: its path says all, if no machine contradicts. */
static int
look_at_machine (struct look *look)
{
  const char *uuid = look->expect->machine;
  CLEANUP_FREE char *why = NULL;

  if (uuid == NULL)
    return 0;
  switch (host_machine_is (host_machine_folder (), uuid, &why)) {
  case MACHINE_OTHER:
    return no (look, REFUSE_WRONG_MACHINE,
               xasprintf ("the disk is attached to VM %s and this is another "
                          "machine (%s): does --helper give the address of "
                          "that VM?",
                          uuid, why));
  case MACHINE_UNKNOWN:
    if (look->patient->block)
      return no (look, REFUSE_WRONG_MACHINE,
                 xasprintf ("whether this machine is VM %s, which the disk is "
                            "attached to, can't be told (%s): run the agent "
                            "as root",
                            uuid, why));
    return 0;
  default:
    return 0;
  }
}

static int
look (struct look *look, struct err **err)
{
  struct patient *patient = look->patient;
  int64_t size_bytes = look->expect->size_bytes;
  int r = look_at_machine (look);

  if (r == 0)
    r = patient->block ? look_at_device (look) : look_at_file (look);
  if (r == 0)
    r = patient->raw ? look_at_raw (look) : look_at_qcow2 (look, err);
  if (r == 0 && size_bytes >= 0 && patient->virtual_size != size_bytes)
    r = no (look, REFUSE_WRONG_SIZE,
            xasprintf ("%" PRId64 " bytes expected, it has %" PRId64,
                       size_bytes, patient->virtual_size));
  return r;
}

int
patient_identify (struct patient *patient, const char *path, const char *format,
                  const struct patient_expect *expect, bool to_write,
                  const char **refusal, char **why, struct err **err)
{
  struct look it = {.patient = patient,
                    .expect = expect,
                    .to_write = to_write,
                    .refusal = refusal,
                    .why = why};

  *refusal = NULL;
  *why = NULL;
  memset (patient, 0, sizeof *patient);
  if (strcmp (format, "raw") != 0 && strcmp (format, "qcow2") != 0)
    return err_set (err, ERR_INPUT, "format \"%s\" is neither raw nor qcow2",
                    format);
  patient->raw = strcmp (format, "raw") == 0;
  patient->path = realpath (path, NULL);
  if (patient->path == NULL || stat (patient->path, &it.st) == -1)
    return err_set_errno (err, errno, "%s", path);
  patient->block = S_ISBLK (it.st.st_mode);
  if (!patient->block && !S_ISREG (it.st.st_mode))
    return no (&it, REFUSE_NO_DISK,
               xstrdup ("neither a file nor a block device"));
  if (patient_stamp (patient->path, &patient->stamp, err) == -1)
    return -1;
  return look (&it, err);
}
