#include "appliance-initrd.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <base/files.h>
#include <base/strbuf.h>
#include <base/vec.h>

#define INITRD_MAX_BYTES ((size_t)256 << 20)
#define INIT_MAX_BYTES   ((size_t)16 << 20)

/* What libguestfs gives its QEMU: a SCSI controller and a serial channel of
 * virtio on PCI, and a random number device.  The root
 * image is ext2.  FUSE is for NTFS, the most frequent patient; other file
 * systems are loaded from the root image when the first one is mounted.  What a
 * kernel has built in is not in the list, and not missed. */
static const char *const wanted_modules[] = {
    "virtio_pci", "virtio_scsi", "virtio_console", "virtio_rng",
    "sd_mod",     "ext4",        "ext2",           "fuse",
};

/* A file of the archive; points into it. */
struct entry {
  const char *name;
  const char *data;
  size_t len;
};

DEFINE_VEC (struct entry, entry_vec);

struct module {
  struct entry entry;
  char *name; /* without .ko, "-" as "_" */
  bool wanted;
};

DEFINE_VEC (struct module, module_vec);

/* The fields of a header after its 6 bytes of magic, 8 hex digits each
 * (cpio(5), "New ASCII Format"). */
enum {
  FIELD_MODE = 1,
  FIELD_NLINK = 4,
  FIELD_FILESIZE = 6,
  FIELD_NAMESIZE = 11,
  FIELDS = 13,
  HEADER_BYTES = 6 + 8 * FIELDS,
};

static size_t
align4 (size_t n)
{
  return (n + 3) & ~(size_t)3;
}

static int
field (const char *header, int number, size_t *ret)
{
  *ret = 0;
  for (int i = 0; i < 8; i++) {
    char c = header[6 + 8 * number + i];
    const char *digits = "0123456789abcdef0123456789ABCDEF";
    const char *digit = c ? strchr (digits, c) : NULL;

    if (digit == NULL)
      return -1;
    *ret = *ret << 4 | (size_t)((digit - digits) & 15);
  }
  return 0;
}

static int
parse_archive (const char *archive, size_t len, struct entry_vec *ret,
               struct err **err)
{
  size_t at = 0;

  for (;;) {
    const char *header = archive + at;
    size_t name_len, data_len;
    struct entry entry;

    if (at > len || len - at < HEADER_BYTES ||
        memcmp (header, "070701", 6) != 0 ||
        field (header, FIELD_NAMESIZE, &name_len) == -1 ||
        field (header, FIELD_FILESIZE, &data_len) == -1 || name_len == 0)
      return err_set (err, ERR_INPUT, "not a cpio archive at byte %zu", at);
    at += HEADER_BYTES;
    if (name_len > len - at || archive[at + name_len - 1] != '\0')
      return err_set (err, ERR_INPUT, "cpio archive ends in a name");
    entry.name = archive + at;
    at = align4 (at + name_len);
    if (strcmp (entry.name, "TRAILER!!!") == 0)
      return 0;
    if (at > len || data_len > len - at)
      return err_set (err, ERR_INPUT, "cpio archive ends within %s",
                      entry.name);
    entry.data = archive + at;
    entry.len = data_len;
    if (strncmp (entry.name, "./", 2) == 0)
      entry.name += 2;
    entry_vec_push (ret, entry);
    at = align4 (at + data_len);
  }
}

static const struct entry *
find_entry (const struct entry_vec *entries, const char *name)
{
  for (size_t i = 0; i < entries->len; i++)
    if (strcmp (entries->ptr[i].name, name) == 0)
      return &entries->ptr[i];
  return NULL;
}

/* "virtio-rng.ko.xz" is module virtio_rng. */
static char *
module_name (const char *file)
{
  const char *suffix = strstr (file, ".ko");
  char *name =
      xstrndup (file, suffix ? (size_t)(suffix - file) : strlen (file));

  for (char *s = name; *s; s++)
    if (*s == '-')
      *s = '_';
  return name;
}

/* The modules of the archive in the order of its list. */
static int
list_modules (const struct entry_vec *entries, struct module_vec *ret,
              struct err **err)
{
  const struct entry *list = find_entry (entries, "modules");
  CLEANUP_FREE char *text = list ? xstrndup (list->data, list->len) : NULL;
  char *rest = text, *file;

  if (list == NULL)
    return err_set (err, ERR_INPUT, "it has no list of modules");
  while ((file = strsep (&rest, "\n")) != NULL) {
    const struct entry *entry = find_entry (entries, file);
    struct module module = {0};

    if (*file == '\0')
      continue;
    if (entry == NULL)
      return err_set (err, ERR_INPUT, "module %s is missing", file);
    module.entry = *entry;
    module.name = module_name (file);
    module_vec_push (ret, module);
  }
  return 0;
}

static void
release_modules (struct module_vec *modules)
{
  for (size_t i = 0; i < modules->len; i++)
    free (modules->ptr[i].name);
  module_vec_release (modules);
}

/* "a,b": what a module's .modinfo section says that it depends on, in a string
 * between NULs.  NULL: it says nothing. */
static char *
module_depends (const struct entry *entry)
{
  static const char key[] = "\0depends=";
  size_t key_len = sizeof key - 1;
  const char *found = memmem (entry->data, entry->len, key, key_len);

  if (found == NULL)
    return NULL;
  found += key_len;
  return xstrndup (found, entry->len - (size_t)(found - entry->data));
}

/* Marks a module and those that it depends on. */
static void
want (struct module_vec *modules, const char *name)
{
  for (size_t i = 0; i < modules->len; i++) {
    struct module *module = &modules->ptr[i];
    CLEANUP_FREE char *depends = NULL;
    char *rest, *other;

    if (module->wanted || strcmp (module->name, name) != 0)
      continue;
    module->wanted = true;
    depends = module_depends (&module->entry);
    rest = depends;
    while ((other = strsep (&rest, ",")) != NULL) {
      CLEANUP_FREE char *normal = module_name (other);

      want (modules, normal);
    }
  }
}

static void
choose_modules (struct module_vec *modules)
{
  for (size_t i = 0; i < modules->len; i++) {
    const char *suffix = strstr (modules->ptr[i].entry.name, ".ko");

    /* Compressed ones do not show what they depend on: take all. */
    if (suffix == NULL || strcmp (suffix, ".ko") != 0) {
      for (size_t k = 0; k < modules->len; k++)
        modules->ptr[k].wanted = true;
      return;
    }
  }
  for (size_t i = 0; i < ARRAY_SIZE (wanted_modules); i++)
    want (modules, wanted_modules[i]);
}

static void
add_entry (struct strbuf *archive, const char *name, unsigned mode,
           const char *data, size_t len)
{
  static const char zeros[4];
  size_t name_len = strlen (name) + 1;

  strbuf_addstr (archive, "070701");
  for (int i = 0; i < FIELDS; i++)
    strbuf_addf (archive, "%08zx",
                 i == FIELD_MODE       ? (size_t)mode
                 : i == FIELD_NLINK    ? (size_t)1
                 : i == FIELD_FILESIZE ? len
                 : i == FIELD_NAMESIZE ? name_len
                                       : (size_t)0);
  strbuf_add (archive, name, name_len);
  strbuf_add (archive, zeros, align4 (archive->len) - archive->len);
  if (len > 0)
    strbuf_add (archive, data, len);
  strbuf_add (archive, zeros, align4 (archive->len) - archive->len);
}

int
initrd_build (const char *source, const char *init, const char *dest,
              struct err **err)
{
  CLEANUP_FREE char *archive = NULL, *program = NULL;
  CLEANUP_STRBUF struct strbuf out = STRBUF_EMPTY, list = STRBUF_EMPTY;
  struct entry_vec entries = VEC_EMPTY;
  struct module_vec modules = VEC_EMPTY;
  size_t archive_len, program_len;
  int r = -1;

  if (file_read (source, INITRD_MAX_BYTES, &archive, &archive_len, err) == -1 ||
      file_read (init, INIT_MAX_BYTES, &program, &program_len, err) == -1)
    return -1;
  if (parse_archive (archive, archive_len, &entries, err) == -1 ||
      list_modules (&entries, &modules, err) == -1) {
    err_wrap (err, "%s", source);
    goto out;
  }
  choose_modules (&modules);
  add_entry (&out, "init", 0100755, program, program_len);
  for (size_t i = 0; i < modules.len; i++) {
    const struct entry *entry = &modules.ptr[i].entry;

    if (!modules.ptr[i].wanted)
      continue;
    strbuf_addf (&list, "%s\n", entry->name);
    add_entry (&out, entry->name, 0100644, entry->data, entry->len);
  }
  add_entry (&out, "modules", 0100644, list.len ? list.buf : "", list.len);
  add_entry (&out, "TRAILER!!!", 0, NULL, 0);
  r = file_write_atomic (dest, out.buf, out.len, 0644, err);
out:
  entry_vec_release (&entries);
  release_modules (&modules);
  return r;
}
