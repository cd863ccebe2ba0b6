/* The initrd of the lean appliance from one as supermin makes it. */

#include "unit.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <base/files.h>
#include <base/strbuf.h>
#include <disk-ops/appliance-initrd.h>

static char *
temp_folder (void)
{
  char folder[] = "/tmp/bootmend-unit-XXXXXX";

  if (mkdtemp (folder) == NULL)
    abort ();
  return xstrdup (folder);
}

static int
put (const char *folder, const char *name, const char *text)
{
  CLEANUP_FREE char *path = path_join (folder, name);

  return file_write_atomic (path, text, strlen (text), 0600, NULL);
}

static void
add_file (struct strbuf *archive, const char *name, const char *data,
          size_t len)
{
  strbuf_addf (archive,
               "070701%08x%08x%08x%08x%08x%08x%08zx%08x%08x%08x%08x%08zx%08x",
               1, 0100644, 0, 0, 1, 0, len, 0, 0, 0, 0, strlen (name) + 1, 0);
  strbuf_add (archive, name, strlen (name) + 1);
  while (archive->len % 4)
    strbuf_addch (archive, '\0');
  strbuf_add (archive, data, len);
  while (archive->len % 4)
    strbuf_addch (archive, '\0');
}

/* Builds an initrd from these modules and returns it. */
static char *
initrd_from (const char *list, const char *suffix, size_t *len)
{
  CLEANUP_FREE char *folder = temp_folder ();
  CLEANUP_FREE char *source = path_join (folder, "source");
  CLEANUP_FREE char *dest = path_join (folder, "dest");
  CLEANUP_STRBUF struct strbuf archive = STRBUF_EMPTY;
  static const struct {
    const char *name;
    const char modinfo[32];
  } modules[] = {
      {"crc7", "\0depends="},       {"scsi_mod", "\0depends="},
      {"virtio-rng", "\0depends="}, {"sd_mod", "\0depends=scsi_mod"},
      {"virtio_net", "\0depends="},
  };
  char *text = NULL;

  add_file (&archive, "init", "old", 3);
  for (size_t i = 0; i < ARRAY_SIZE (modules); i++) {
    CLEANUP_FREE char *name = xasprintf ("%s%s", modules[i].name, suffix);

    add_file (&archive, name, modules[i].modinfo, sizeof modules[i].modinfo);
  }
  add_file (&archive, "modules", list, strlen (list));
  add_file (&archive, "TRAILER!!!", "", 0);
  if (put (folder, "init", "new") == 0 &&
      file_write_atomic (source, archive.buf, archive.len, 0600, NULL) == 0) {
    CLEANUP_FREE char *init = path_join (folder, "init");

    if (initrd_build (source, init, dest, NULL) == 0 &&
        file_read (dest, 1 << 20, &text, len, NULL) == -1)
      text = NULL;
  }
  folder_remove (folder, NULL);
  return text;
}

static void
test_initrd_takes_what_is_needed_in_order (void)
{
  size_t len = 0;
  CLEANUP_FREE char *initrd = initrd_from (
      "crc7.ko\nscsi_mod.ko\nvirtio-rng.ko\nsd_mod.ko\nvirtio_net.ko\n", ".ko",
      &len);

  CU_ASSERT_PTR_NOT_NULL_FATAL (initrd);
  CU_ASSERT_PTR_NOT_NULL (
      memmem (initrd, len, "scsi_mod.ko\nvirtio-rng.ko\nsd_mod.ko\n", 35));
  CU_ASSERT_PTR_NULL (memmem (initrd, len, "virtio_net", 10));
  CU_ASSERT_PTR_NULL (memmem (initrd, len, "crc7", 4));
  CU_ASSERT_PTR_NULL (memmem (initrd, len, "old", 3));
  CU_ASSERT_PTR_NOT_NULL (memmem (initrd, len, "new", 3));
}

static void
test_initrd_takes_all_it_cannot_read (void)
{
  size_t len = 0;
  CLEANUP_FREE char *initrd =
      initrd_from ("crc7.ko.xz\nvirtio_net.ko.xz\n", ".ko.xz", &len);

  CU_ASSERT_PTR_NOT_NULL_FATAL (initrd);
  CU_ASSERT_PTR_NOT_NULL (
      memmem (initrd, len, "crc7.ko.xz\nvirtio_net.ko.xz\n", 27));
}

static void
test_initrd_refuses_what_it_does_not_know (void)
{
  CLEANUP_FREE char *folder = temp_folder ();
  CLEANUP_FREE char *source = path_join (folder, "source");
  CLEANUP_FREE char *dest = path_join (folder, "dest");
  static const char *const bad[] = {"", "\x1f\x8b gzip", "070701"};
  size_t len = 0;

  for (size_t i = 0; i < ARRAY_SIZE (bad); i++) {
    CLEANUP_ERR struct err *err = NULL;

    CU_ASSERT_EQUAL (put (folder, "source", bad[i]), 0);
    CU_ASSERT_EQUAL (initrd_build (source, source, dest, &err), -1);
    CU_ASSERT_EQUAL (err->code, ERR_INPUT);
    CU_ASSERT_EQUAL (access (dest, F_OK), -1);
  }
  CU_ASSERT_PTR_NULL (initrd_from ("not-there.ko\n", ".ko", &len));
  folder_remove (folder, NULL);
}

static const struct unit_case cases[] = {
    {"modules", test_initrd_takes_what_is_needed_in_order},
    {"compressed modules", test_initrd_takes_all_it_cannot_read},
    {"bad sources", test_initrd_refuses_what_it_does_not_know},
};

UNIT_MAIN ("appliance-initrd", cases)
