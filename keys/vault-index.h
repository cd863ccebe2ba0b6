/* Which secrets of a Key Vault are for which protector or computer, by their
 * names and tags.  Values are not looked at.
 *
 *   by protector   its GUID stands in the secret's name ("bitlocker-GUID") or
 *                  in the value of any tag ("GUID.BEK", as Azure Disk
 *                  Encryption writes it)
 *   by computer    a tag like MachineName or ComputerName is its name, and
 *                  name, content type or a tag's name say that it is for a disk
 *                  ("bitlocker", "recovery", "luks", "BEK", ...): whatever else
 *                  is kept there for a computer stays unread */

#ifndef BOOTMEND_VAULT_INDEX_H
#define BOOTMEND_VAULT_INDEX_H

#include <base/json.h>
#include <base/vec.h>
#include <bitlocker/guid.h>

struct vault_guid {
  unsigned char guid[GUID_BYTES];
  size_t row;
};
DEFINE_VEC (struct vault_guid, vault_guid_vec);

struct vault_computer {
  const char *name; /* in the rows */
  size_t row;
};
DEFINE_VEC (struct vault_computer, vault_computer_vec);

DEFINE_VEC (size_t, row_vec);

struct vault_index {
  size_t rows;                 /* so many have been looked at */
  struct vault_guid_vec guids; /* sorted */
  struct vault_computer_vec computers;
};

/* `rows` as of vault_list; more of them than at the last call, or as many. */
void vault_index_update (struct vault_index *index, const json_t *rows);
void vault_index_release (struct vault_index *index);

/* Adds the rows of this protector, or of this computer (NULL: none). */
void vault_index_guid (const struct vault_index *index, const char *guid,
                       struct row_vec *found);
void vault_index_computer (const struct vault_index *index, const char *name,
                           struct row_vec *found);

#endif
