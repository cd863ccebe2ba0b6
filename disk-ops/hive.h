/* A Windows registry hive (regf), read from bytes in memory.
 *
 * Three questions are answered here, without libguestfs and without a file:
 * is the hive whole and up to date (base block), what is in it (struct
 * hive_tree), and is all of it sound?  Reading the tree is the check: bins that
 * follow each other without gaps, cells that fill their bin, every cell that
 * can be reached from the root allocated, inside its bin, of the right kind and
 * reached once.  What does not pass is damaged, and damaged hives are reported,
 * never edited.  disk-ops/hive-log.h brings a hive up to date from its logs;
 * hive-diff.h compares two; hive-patch.h makes the smallest changes.
 *
 * The bytes come from a guest: every offset and count is checked before use.
 * [github.com/msuhanov/regf, "Windows registry file format specification"] */

#ifndef BOOTMEND_HIVE_H
#define BOOTMEND_HIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/err.h>
#include <base/vec.h>

#define HIVE_BASE_BYTES 4096
/* What of the base block has meaning on a disk, and what logs keep of it. */
#define HIVE_BASE_HEAD 512
#define HIVE_PAGE      4096
#define HIVE_NOWHERE   UINT32_MAX
/* Data above this lies in segments ("big data"). */
#define HIVE_SEGMENT_BYTES 16344

struct hive_bytes {
  unsigned char *ptr;
  size_t len;
};

struct hive_base {
  bool signed_regf, checksum_ok;
  uint32_t primary, secondary; /* sequence numbers */
  uint64_t written;            /* FILETIME */
  uint32_t major, minor;
  uint32_t type; /* 0: hive; 1, 2: old log; 6: new log */
  uint32_t root, bins_bytes, cluster;
};

/* The fields of a base block, of which at least HIVE_BASE_HEAD bytes are there;
 * -1: fewer. */
int hive_base_read (const unsigned char *bytes, size_t len,
                    struct hive_base *base);

/* XOR-32 over the first 508 bytes. */
uint32_t hive_checksum (const unsigned char *bytes);

/* Writes the checksum and, before it, one new number for both sequences: that
 * is a clean hive. */
void hive_seal (unsigned char *bytes, uint32_t sequence);

/* A hive needs its logs if the numbers differ or the checksum is wrong. */
bool hive_is_dirty (const struct hive_base *base);

/* A name as the hive has it. */
struct hive_name {
  uint32_t at, bytes; /* file offset */
  bool wide;          /* UTF-16LE, else Latin-1 */
};

struct hive_key {
  uint32_t cell; /* offset from the start of the bins, as all cells here */
  uint32_t parent;
  uint32_t first_child, n_children; /* in keys; children stand together */
  uint32_t first_value, n_values;   /* in values */
  struct hive_name name;
  struct hive_name class_name; /* 0 bytes: none */
  uint32_t security;           /* cell of the sk; HIVE_NOWHERE: none */
  uint64_t written;
  uint16_t flags;
};
DEFINE_VEC (struct hive_key, hive_key_vec);

struct hive_value {
  uint32_t cell, type;
  uint32_t data_bytes;
  uint32_t data_cell; /* HIVE_NOWHERE: in the vk itself, or no data */
  bool big;           /* in segments */
  uint16_t flags;
  struct hive_name name; /* 0 bytes: the default value */
};
DEFINE_VEC (struct hive_value, hive_value_vec);

struct hive_tree {
  const unsigned char *bytes; /* borrowed: must stay while the tree is used */
  size_t len;
  struct hive_base base;
  struct hive_key_vec keys; /* the root is the first */
  struct hive_value_vec values;
};

#define CLEANUP_HIVE_TREE CLEANUP (hive_tree_release)
void hive_tree_release (struct hive_tree *tree);

/* Reads and checks all of it.  ERR_DISK says what is damaged and where. */
int hive_tree_read (struct hive_tree *tree, const unsigned char *bytes,
                    size_t len, struct err **err) ATTR_USE;

/* The key at a path below `from` ("Select", "Control\\Lsa"; "" is `from`
 * itself), without regard to case: its index, or HIVE_NOWHERE. */
uint32_t hive_find_key (const struct hive_tree *tree, uint32_t from,
                        const char *path);
/* The child of this name. */
uint32_t hive_find_child (const struct hive_tree *tree, uint32_t key,
                          const char *name);
/* The value of this name ("": the default value): its index in values. */
uint32_t hive_find_value (const struct hive_tree *tree, uint32_t key,
                          const char *name);

/* A copy of the data, two zero bytes behind it, segments joined. */
unsigned char *hive_data (const struct hive_tree *tree,
                          const struct hive_value *value, size_t *len);
/* A REG_DWORD; -1 if there is none of this name and type. */
int hive_get_dword (const struct hive_tree *tree, uint32_t key,
                    const char *name, uint32_t *number);

/* As UTF-8, a code unit that is half a pair as U+FFFD. */
char *hive_name_text (const struct hive_tree *tree, struct hive_name name);
/* "A\\B\\C" below the root; "" for the root. */
char *hive_key_path (const struct hive_tree *tree, uint32_t key);

/* The bytes of a security descriptor; NULL if the key has none. */
const unsigned char *hive_security (const struct hive_tree *tree,
                                    const struct hive_key *key, size_t *len);

/* UTF-16LE with its zero from UTF-8, and back up to the first zero (or all,
 * zeroes as line ends, with `lines`). */
unsigned char *hive_wide (const char *text, size_t *bytes);
char *hive_narrow (const unsigned char *wide, size_t bytes, bool lines);

#endif
