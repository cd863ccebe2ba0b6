/* Looking at image files: headers, chains, locks, and what is no image. */

#include "unit.h"

#include <endian.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/files.h>
#include <provider-libvirt/usage.h>
#include <provider-libvirt/image.h>

static char folder[] = "/tmp/bootmend-test-image.XXXXXX";

static void
put32 (unsigned char *at, uint32_t value)
{
  value = htobe32 (value);
  memcpy (at, &value, sizeof value);
}

static void
put64 (unsigned char *at, uint64_t value)
{
  value = htobe64 (value);
  memcpy (at, &value, sizeof value);
}

/* A qcow2 header as QEMU's docs/interop/qcow2.txt has it. */
static char *
make_qcow2 (const char *name, const char *backing, uint64_t incompatible,
            uint32_t crypt)
{
  unsigned char header[512] = {'Q', 'F', 'I', 0xfb};
  char *path = path_join (folder, name);

  put32 (header + 4, 3);
  if (backing) {
    put64 (header + 8, 256);
    put32 (header + 16, (uint32_t)strlen (backing));
    memcpy (header + 256, backing, strlen (backing));
  }
  put64 (header + 24, 5 << 20);
  put32 (header + 32, crypt);
  put64 (header + 72, incompatible);
  CU_ASSERT_EQUAL (file_write_atomic (path, header, sizeof header, 0600, NULL),
                   0);
  return path;
}

static void
test_headers (void)
{
  CLEANUP_FREE char *plain = make_qcow2 ("plain", NULL, 0, 0);
  CLEANUP_FREE char *bad = make_qcow2 ("bad", "base", 2 | 4, 2);
  CLEANUP_IMAGE struct image one, two, raw;
  CLEANUP_FREE char *base = path_join (folder, "base");

  image_look (plain, "qcow2", &one);
  CU_ASSERT_EQUAL (one.state, IMAGE_OK);
  CU_ASSERT_EQUAL (one.size_bytes, 5 << 20);
  CU_ASSERT_PTR_NULL (one.backing);
  CU_ASSERT_FALSE (one.corrupt || one.data_file || one.encrypted ||
                   one.write_locked);
  image_look (bad, "qcow2", &two);
  CU_ASSERT_TRUE (two.corrupt && two.data_file && two.encrypted);
  CU_ASSERT_STRING_EQUAL (two.backing, base);
  /* what a raw disk holds is the guest's word: never read */
  image_look (plain, "raw", &raw);
  CU_ASSERT_EQUAL (raw.size_bytes, 512);
  CU_ASSERT_PTR_NULL (raw.backing);
}

static void
test_no_images (void)
{
  CLEANUP_FREE char *missing = path_join (folder, "missing");
  CLEANUP_FREE char *fifo = path_join (folder, "fifo");
  CLEANUP_FREE char *empty = path_join (folder, "empty");
  CLEANUP_FREE char *lies = make_qcow2 ("lies", "x", 0, 0);
  CLEANUP_IMAGE struct image a, b, c, d, e;

  CU_ASSERT_EQUAL (mkfifo (fifo, 0600), 0);
  CU_ASSERT_EQUAL (file_write_atomic (empty, "", 0, 0600, NULL), 0);
  CU_ASSERT_EQUAL (truncate (lies, 200), 0);
  image_look (missing, "raw", &a);
  image_look (fifo, "raw", &b);
  image_look (empty, "qcow2", &c);
  image_look (lies, "qcow2", &d);
  image_look (folder, "raw", &e);
  CU_ASSERT_EQUAL (a.state, IMAGE_MISSING);
  CU_ASSERT_EQUAL (b.state, IMAGE_UNREADABLE);
  CU_ASSERT_EQUAL (c.state, IMAGE_MALFORMED);
  CU_ASSERT_EQUAL (d.state, IMAGE_MALFORMED);
  CU_ASSERT_EQUAL (e.state, IMAGE_UNREADABLE);
}

static void
test_lock_of_qemu_is_seen (void)
{
  CLEANUP_FREE char *path = make_qcow2 ("locked", NULL, 0, 0);
  int fd = open (path, O_RDWR | O_CLOEXEC);
  struct flock lock = {.l_type = F_RDLCK,
                       .l_whence = SEEK_SET,
                       .l_start = 101,
                       .l_len = 1};
  CLEANUP_IMAGE struct image while_held, after;

  CU_ASSERT_EQUAL (fcntl (fd, F_OFD_SETLK, &lock), 0);
  image_look (path, "qcow2", &while_held);
  close (fd);
  image_look (path, "qcow2", &after);
  CU_ASSERT_TRUE (while_held.write_locked);
  CU_ASSERT_FALSE (after.write_locked);
}

static void
test_chain_ends (void)
{
  CLEANUP_FREE char *top = make_qcow2 ("top", "middle", 0, 0);
  CLEANUP_FREE char *middle =
      make_qcow2 ("middle",
                  "json:{\"driver\":\"qcow2\",\"file\":{\"filename\":\"end\"}}",
                  0, 0);
  CLEANUP_FREE char *end = make_qcow2 ("end", NULL, 0, 0);
  CLEANUP_FREE char *loop = make_qcow2 ("loop", "loop", 0, 0);
  struct str_vec chain = VEC_EMPTY, endless = VEC_EMPTY;

  image_chain (top, "qcow2", &chain);
  CU_ASSERT_EQUAL_FATAL (chain.len, 2);
  CU_ASSERT_STRING_EQUAL (chain.ptr[0], middle);
  CU_ASSERT_STRING_EQUAL (chain.ptr[1], end);
  image_chain (loop, "qcow2", &endless);
  CU_ASSERT_TRUE (endless.len <= 200);
  str_vec_free_all (&chain);
  str_vec_free_all (&endless);
}

static void
test_backing_names (void)
{
  static const char *const rows[][2] = {
      {"base", "/i/base"},
      {"/abs/base", "/abs/base"},
      {"../base", "/i/../base"},
      {"file:base", "/i/base"},
      {"./a:b", "/i/./a:b"},
      {"json:{\"file.filename\":\"/x\"}", "/x"},
      {"rbd:pool/base", NULL},
      {"nbd://host/x", NULL},
      {"json:{\"driver\":\"rbd\"}", NULL},
      {"json:{", NULL},
  };

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    CLEANUP_FREE char *path = image_backing_path ("/i/overlay", rows[i][0]);

    CU_ASSERT_EQUAL (path == NULL, rows[i][1] == NULL);
    if (path && rows[i][1])
      CU_ASSERT_STRING_EQUAL (path, rows[i][1]);
  }
}

static void
test_folder_goes (void)
{
  CU_ASSERT_EQUAL (folder_remove (folder, NULL), 0);
}

static const struct unit_case cases[] = {
    {"headers", test_headers},
    {"no images", test_no_images},
    {"lock of QEMU is seen", test_lock_of_qemu_is_seen},
    {"chain ends", test_chain_ends},
    {"backing names", test_backing_names},
    {"folder goes", test_folder_goes},
};

int
main (void)
{
  if (mkdtemp (folder) == NULL)
    return 1;
  return unit_run ("libvirt-image", cases, ARRAY_SIZE (cases));
}
