/* Changing a hive in the guest, and proving it; registry.h has the contract.
 *
 * What fits in place is done in memory (hive-patch.h).  What needs new cells is
 * done by hivex in the appliance, which writes new bins at the end of the file.
 * Its limits, from its source, are looked for first: it would write the values
 * beside a new one again without the segments of big data, and it ends the
 * appliance's daemon over a value without data that is not stored in place. */

#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <base/bytes.h>

#include "actions.h"
#include "disk.h"
#include "hive-patch.h"
#include "refuse.h"
#include "registry.h"

static int
write_content (struct disk *disk, const char *path,
               const struct hive_bytes *bytes, struct err **err)
{
  CLEANUP_CLOSE int fd = memfd_create ("hive", MFD_CLOEXEC);
  CLEANUP_FREE char *name = xasprintf ("/proc/self/fd/%d", fd);

  for (size_t done = 0; done < bytes->len;) {
    ssize_t n = write (fd, bytes->ptr + done, bytes->len - done);

    if (n <= 0)
      return err_set (err, ERR_IO, "%s: no memory file", path);
    done += (size_t)n;
  }
  return content_put (disk, path, true, name, err);
}

/* 1: done in place, 0: it needs more room */
static int
patch_one (struct hive_bytes *bytes, const struct hive_change *change,
           struct err **err)
{
  CLEANUP_HIVE_TREE struct hive_tree tree = {0};
  uint32_t key, value = HIVE_NOWHERE;

  if (change->kind == HIVE_ADD_KEY)
    return 0;
  if (hive_tree_read (&tree, bytes->ptr, bytes->len, err) == -1)
    return -1;
  key = hive_find_key (&tree, 0, change->key);
  if (key == HIVE_NOWHERE)
    return 0;
  if (change->kind == HIVE_REMOVE_KEY) {
    hive_patch_remove_key (bytes->ptr, &tree, key);
    return 1;
  }
  value = hive_find_value (&tree, key, change->value);
  if (value == HIVE_NOWHERE)
    return 0;
  if (change->kind == HIVE_REMOVE_VALUE) {
    hive_patch_remove_value (bytes->ptr, &tree, key, value);
    return 1;
  }
  return hive_patch_value (bytes->ptr, &tree, key, value, change->type,
                           change->data, change->len);
}

/* Would hivex write all values of this key again as they are? */
static int
check_siblings (struct disk *disk, const struct registry_hive *hive,
                const struct hive_tree *tree, uint32_t key, struct err **err)
{
  const struct hive_key *k = &tree->keys.ptr[key];

  for (uint32_t i = 0; i < k->n_values; i++) {
    const struct hive_value *v = &tree->values.ptr[k->first_value + i];
    const unsigned char *vk = tree->bytes + HIVE_BASE_BYTES + v->cell + 4;

    if (v->data_bytes > HIVE_SEGMENT_BYTES || le32 (vk + 4) == 0)
      return disk_refuse (disk, err, REFUSE_HIVE_LIMIT,
                          "%s: a value of %s can't be written again as it is "
                          "(%" PRIu32 " bytes), so nothing can be added there",
                          hive->file.path, v->data_bytes ? "the key" : "a key",
                          v->data_bytes);
  }
  return 0;
}

/* hivex's handle of a key is its place in the file; so keys that were there
 * before need no search, and new ones are found from their parents. */
static int64_t
node_of (struct disk *disk, const struct hive_tree *tree, const char *path,
         struct err **err)
{
  CLEANUP_FREE char *copy = xstrdup (path);
  char *rest = copy, *part;
  uint32_t known = hive_find_key (tree, 0, path);
  int64_t node;

  if (known != HIVE_NOWHERE)
    return (int64_t)tree->keys.ptr[known].cell + HIVE_BASE_BYTES;
  node = (int64_t)tree->keys.ptr[0].cell + HIVE_BASE_BYTES;
  while (node > 0 && (part = strsep (&rest, "\\")) != NULL)
    node = guestfs_hivex_node_get_child (disk->g, node, part);
  if (node == 0)
    return err_set (err, ERR_INTERNAL, "%s is not there", path);
  return node == -1 ? disk_guest_error (disk, err, "%s", path) : node;
}

static int
grow_one (struct disk *disk, const struct hive_tree *tree,
          const struct hive_change *change, struct err **err)
{
  const char *last = strrchr (change->key, '\\');
  CLEANUP_FREE char *parent =
      last ? xstrndup (change->key, (size_t)(last - change->key))
           : xstrdup ("");
  int64_t node;

  if (change->kind == HIVE_ADD_KEY) {
    node = node_of (disk, tree, parent, err);
    if (node == -1)
      return -1;
    if (guestfs_hivex_node_add_child (disk->g, node,
                                      last ? last + 1 : change->key) == -1)
      return disk_guest_error (disk, err, "%s", change->key);
    return 0;
  }
  if (change->kind != HIVE_SET_VALUE)
    return 0; /* gone with its key */
  node = node_of (disk, tree, change->key, err);
  if (node == -1)
    return -1;
  if (guestfs_hivex_node_set_value (disk->g, node, change->value, change->type,
                                    (const char *)change->data,
                                    change->len) == -1)
    return disk_guest_error (disk, err, "%s: %s", change->key, change->value);
  return 0;
}

DEFINE_VEC (const struct hive_change *, todo_vec);

static int
grow_all (struct disk *disk, const struct registry_hive *hive,
          const struct hive_bytes *bytes, const struct todo_vec *todo,
          struct err **err)
{
  CLEANUP_HIVE_TREE struct hive_tree tree = {0};
  int r = 0;

  if (hive_tree_read (&tree, bytes->ptr, bytes->len, err) == -1)
    return -1;
  for (size_t i = 0; i < todo->len; i++) {
    const struct hive_change *c = todo->ptr[i];
    uint32_t key = hive_find_key (&tree, 0, c->key);

    if (c->kind == HIVE_SET_VALUE && c->len > HIVE_SEGMENT_BYTES)
      return disk_refuse (disk, err, REFUSE_HIVE_LIMIT,
                          "%s: %zu bytes are more than can be written as one "
                          "value",
                          c->key, c->len);
    if (c->kind == HIVE_SET_VALUE && key != HIVE_NOWHERE &&
        check_siblings (disk, hive, &tree, key, err) == -1)
      return -1;
  }
  if (guestfs_hivex_open (disk->g, hive->file.path, GUESTFS_HIVEX_OPEN_WRITE, 1,
                          -1) == -1)
    return disk_guest_error (disk, err, "%s: hivex", hive->file.path);
  for (size_t i = 0; r == 0 && i < todo->len; i++)
    r = grow_one (disk, &tree, todo->ptr[i], err);
  if (r == 0 && guestfs_hivex_commit (disk->g, NULL) == -1)
    r = disk_guest_error (disk, err, "%s: hivex", hive->file.path);
  if (guestfs_hivex_close (disk->g) == -1 && r == 0)
    r = disk_guest_error (disk, err, "%s: hivex", hive->file.path);
  return r;
}

/* Read again from the guest: clean, sound, and different only as wanted. */
static int
prove (struct disk *disk, struct registry_hive *hive, struct err **err)
{
  CLEANUP_HIVE_TREE struct hive_tree after = {0};
  struct hive_bytes bytes = {NULL, 0};
  struct guest_file file = {0};
  int r = registry_read_file (disk, hive->file.path, &file, &bytes, err);

  guest_file_release (&file);
  if (r == 0)
    r = err_set (err, ERR_DISK, "it is gone");
  else if (r == 1) {
    r = hive_tree_read (&after, bytes.ptr, bytes.len, err);
    if (r == 0 && hive_is_dirty (&after.base))
      r = err_set (err, ERR_DISK, "it is not clean");
    if (r == 0)
      r = hive_changes_verify (&hive->tree, &after, &hive->wanted, err);
  }
  free (bytes.ptr);
  return r == -1 ? err_wrap (err, "%s as it was written", hive->file.path) : 0;
}

int
registry_apply (struct disk *disk, struct registry_hive *hive, struct err **err)
{
  struct hive_bytes bytes = {xmemdup (hive->bytes.ptr, hive->bytes.len),
                             hive->bytes.len};
  struct todo_vec todo = VEC_EMPTY;
  int r = 0;

  for (size_t i = 0; r == 0 && i < hive->wanted.len; i++) {
    int done = patch_one (&bytes, &hive->wanted.ptr[i], err);

    if (done == -1)
      r = err_wrap (err, "%s: change %zu", hive->file.path, i + 1);
    else if (done == 0)
      todo_vec_push (&todo, &hive->wanted.ptr[i]);
  }
  if (r == 0) {
    hive_seal (bytes.ptr, hive->tree.base.primary + 1);
    r = write_content (disk, hive->file.path, &bytes, err);
  }
  if (r == 0 && todo.len > 0)
    r = grow_all (disk, hive, &bytes, &todo, err);
  if (r == 0)
    r = prove (disk, hive, err);
  todo_vec_release (&todo);
  free (bytes.ptr);
  return r;
}
