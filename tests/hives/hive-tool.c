/* Hives for test scripts.
 *
 *   hive-tool make FILE < TEXT            a clean hive (hive-make.h)
 *   hive-tool crash FILE new|old|split|later < TEXT
 *                                         FILE as a crash leaves it: its newest
 *                                         state, TEXT, is in FILE.LOG1 (new,
 *                                         old) or in both logs (split); later:
 *                                         the logs are those of other states
 *   hive-tool dump FILE                   what is in it, its logs applied
 *   hive-tool state FILE                  "clean 12", "dirty 11 10"
 *   hive-tool equal FILE FILE             differences, one a line
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/files.h>
#include <base/text.h>
#include <disk-ops/hive-diff.h>
#include <disk-ops/hive-log.h>
#include <hives/hive-make.h>

#define MAX_BYTES (64 << 20)

static void __attribute__ ((noreturn)) fail (const char *what)
{
  fprintf (stderr, "hive-tool: %s\n", what);
  exit (1);
}

/* Nothing is freed before the end, where all of it goes. */
static struct hive_bytes
keep (struct hive_bytes bytes)
{
  static unsigned char *kept[32];
  static size_t n;

  if (n < ARRAY_SIZE (kept))
    kept[n++] = bytes.ptr;
  return bytes;
}

static struct hive_bytes
load (const char *path)
{
  CLEANUP_ERR struct err *err = NULL;
  struct hive_bytes b;
  char *data;

  if (file_read (path, MAX_BYTES, &data, &b.len, &err) == -1)
    fail (err->msg);
  b.ptr = (unsigned char *)data;
  return keep (b);
}

static void
save (const char *path, const char *suffix, struct hive_bytes b)
{
  CLEANUP_ERR struct err *err = NULL;
  CLEANUP_FREE char *name = xasprintf ("%s%s", path, suffix);

  if (file_write_atomic (name, b.ptr, b.len, 0600, &err) == -1)
    fail (err->msg);
}

static struct hive_bytes
from_text (void)
{
  struct hive_bytes text = load ("/dev/stdin");

  return keep (hive_make ((char *)text.ptr));
}

static void
crash (const char *path, const char *how)
{
  struct hive_bytes old = load (path), new = from_text (), none = {NULL, 0};
  struct hive_base base;

  hive_base_read (old.ptr, old.len, &base);
  hive_make_dirty (&old);
  save (path, "", old);
  if (strcmp (how, "old") == 0)
    save (path, ".LOG1", keep (hive_make_old_log (&old, &new)));
  else if (strcmp (how, "new") == 0)
    save (path, ".LOG1",
          keep (hive_make_new_log (&old, &new, base.primary, 2)));
  else if (strcmp (how, "later") == 0)
    save (path, ".LOG1",
          keep (hive_make_new_log (&old, &new, base.primary - 5, 2)));
  else if (strcmp (how, "split") == 0) {
    /* the same pages in both: the second part makes the first whole */
    save (path, ".LOG2",
          keep (hive_make_new_log (&old, &new, base.primary, 1)));
    save (path, ".LOG1",
          keep (hive_make_new_log (&old, &new, base.primary + 1, 2)));
    return;
  } else
    fail (how);
  save (path, ".LOG2", none);
}

static struct hive_bytes
recovered (const char *path, struct hive_tree *tree)
{
  static const char *const suffixes[] = {".LOG1", ".LOG2", ".LOG"};
  CLEANUP_ERR struct err *err = NULL;
  struct hive_bytes found = load (path), hive, logs[HIVE_LOGS] = {{NULL, 0}};
  struct hive_recovery recovery;

  for (int i = 0; i < HIVE_LOGS; i++) {
    CLEANUP_FREE char *name = xasprintf ("%s%s", path, suffixes[i]);
    char *data;

    if (file_read (name, MAX_BYTES, &data, &logs[i].len, NULL) == 0)
      logs[i] = keep ((struct hive_bytes){(unsigned char *)data, logs[i].len});
  }
  /* recovering frees it */
  hive = (struct hive_bytes){xmemdup (found.ptr, found.len), found.len};
  if (hive_recover (&hive, logs, &recovery, &err) == -1 ||
      hive_tree_read (tree, hive.ptr, hive.len, &err) == -1)
    fail (err->msg);
  return keep (hive);
}

static void
print_value (const char *path, const char *name, uint32_t type,
             const unsigned char *data, size_t len)
{
  CLEANUP_FREE char *text = NULL, *printable = NULL;

  if (type == 1 || type == 2 || type == 7)
    text = hive_narrow (data, len, type == 7);
  else
    text = hex_encode (data, len < 64 ? len : 64);
  printable = text_printable (text);
  printf ("%s : %s = %u:%s\n", path, name, type, printable);
}

static void
dump (const char *path)
{
  CLEANUP_HIVE_TREE struct hive_tree tree = {0};

  (void)recovered (path, &tree);
  for (uint32_t k = 0; k < tree.keys.len; k++) {
    CLEANUP_FREE char *key = hive_key_path (&tree, k);

    printf ("%s\n", key);
    for (uint32_t i = 0; i < tree.keys.ptr[k].n_values; i++) {
      const struct hive_value *v =
          &tree.values.ptr[tree.keys.ptr[k].first_value + i];
      CLEANUP_FREE char *name = hive_name_text (&tree, v->name);
      size_t len;
      CLEANUP_FREE unsigned char *data = hive_data (&tree, v, &len);

      print_value (key, name, v->type, data, len);
    }
  }
}

static void
state (const char *path)
{
  struct hive_bytes hive = load (path);
  struct hive_base base;

  if (hive_base_read (hive.ptr, hive.len, &base) == -1)
    fail ("too short");
  if (hive_is_dirty (&base))
    printf ("dirty %u %u\n", base.primary, base.secondary);
  else
    printf ("clean %u\n", base.primary);
}

static void
equal (const char *a, const char *b)
{
  static const char *const kinds[] = {"set", "remove", "add", "remove",
                                      "other"};
  CLEANUP_HIVE_TREE struct hive_tree x = {0}, y = {0};
  CLEANUP_HIVE_CHANGES struct hive_change_vec changes = VEC_EMPTY;

  (void)recovered (a, &x);
  (void)recovered (b, &y);
  hive_compare (&x, &y, 1000, &changes);
  for (size_t i = 0; i < changes.len; i++)
    printf ("%s %s%s%s\n", kinds[changes.ptr[i].kind], changes.ptr[i].key,
            changes.ptr[i].value ? " : " : "",
            changes.ptr[i].value ? changes.ptr[i].value : "");
}

int
main (int argc, char **argv)
{
  const char *verb = argc > 2 ? argv[1] : "";

  if (strcmp (verb, "make") == 0)
    save (argv[2], "", from_text ());
  else if (strcmp (verb, "crash") == 0 && argc == 4)
    crash (argv[2], argv[3]);
  else if (strcmp (verb, "dump") == 0)
    dump (argv[2]);
  else if (strcmp (verb, "state") == 0)
    state (argv[2]);
  else if (strcmp (verb, "equal") == 0 && argc == 4)
    equal (argv[2], argv[3]);
  else {
    fprintf (stderr, "Usage: hive-tool make|crash|dump|state|equal FILE...\n");
    return 2;
  }
  return 0;
}
