/* The metadata of a BitLocker volume, read from plain bytes.
 *
 * No key is needed to see what a volume is and which keys would open it.
 * Everything here is hostile input: lengths are checked, nothing is followed
 * and nothing is opened, so this is safe outside of the appliance.
 *
 *   fve_header_parse (first bytes of the volume)  -> where the metadata is
 *   fve_parse (one of its three blocks)           -> struct fve
 *
 * Layout: libbde documentation, "BitLocker Drive Encryption (BDE) format";
 * what is not in there has its source where it stands. */

#ifndef BOOTMEND_FVE_H
#define BOOTMEND_FVE_H

#include <stdint.h>

#include <base/err.h>
#include <base/json.h>

#include "guid.h"

#define FVE_HEADER_BYTES   512
#define FVE_BLOCK_BYTES    65536 /* room of each metadata block */
#define FVE_BLOCKS         3
#define FVE_MAX_PROTECTORS 64

enum fve_kind {
  FVE_WINDOWS,          /* Windows 7 and later */
  FVE_TO_GO,            /* removable disks; looks like FAT */
  FVE_VISTA,            /* another layout, refused */
  FVE_ENCRYPT_ON_WRITE, /* provisioned, never completely encrypted */
  FVE_OTHER             /* an identifier that is not known */
};

struct fve_header {
  enum fve_kind kind;
  uint32_t sector_bytes; /* 512 or 4096 */
  uint64_t blocks[FVE_BLOCKS];
};

/* `bytes`: the first FVE_HEADER_BYTES of the volume.  ERR_DISK: no BitLocker
 * header, or one that makes no sense. */
int fve_header_parse (const unsigned char *bytes, size_t len,
                      struct fve_header *header, struct err **err) ATTR_USE;

/* What keeps the volume's master key: manage-bde calls it a key protector. */
enum fve_protector_type {
  FVE_CLEAR_KEY = 0x0000, /* lies open in the metadata: "suspended" */
  FVE_TPM = 0x0100,
  FVE_STARTUP_KEY = 0x0200,
  FVE_TPM_STARTUP_KEY = 0x0300,
  FVE_TPM_PIN = 0x0500,
  FVE_TPM_PIN_STARTUP_KEY = 0x0700,
  FVE_RECOVERY_PASSWORD = 0x0800,
  FVE_SMART_CARD = 0x1000,
  FVE_PASSWORD = 0x2000
};
/* "recovery-password"; "unknown-0x4000" is made by the caller: NULL here. */
const char *fve_protector_name (unsigned type);
/* Can a key of ours open it?  Not where a TPM or a smart card has a part. */
bool fve_protector_can_open (unsigned type);
bool fve_protector_needs_tpm (unsigned type);

/* AES-CCM: what is encrypted, and what it takes besides the key. */
struct fve_sealed {
  unsigned char nonce[12], tag[16];
  unsigned char data[128];
  size_t len; /* 0: there is none */
};

struct fve_protector {
  unsigned char guid[GUID_BYTES];
  unsigned type;
  uint64_t changed; /* FILETIME; 0: not said */
  bool has_salt;
  unsigned char salt[16];
  unsigned char clear_key[32];
  bool has_clear_key;
  struct fve_sealed master; /* the volume's master key */
};

enum fve_state {
  FVE_ENCRYPTED,
  FVE_ENCRYPTING, /* or paused on the way there */
  FVE_DECRYPTING,
  FVE_DECRYPTED,
  FVE_STATE_ON_WRITE,
  FVE_STATE_UNKNOWN
};
const char *fve_state_name (enum fve_state state);

struct fve {
  struct fve_header header;
  unsigned version, current, next; /* as they stand there */
  enum fve_state state;
  unsigned method; /* 0x8004 = AES-XTS 128 */
  unsigned char guid[GUID_BYTES];
  uint64_t volume_bytes;
  uint64_t created;                 /* FILETIME */
  uint64_t boot_offset, boot_bytes; /* where the first sectors really are */
  char *description; /* computer, drive, date; printable; or NULL */
  struct fve_protector protectors[FVE_MAX_PROTECTORS];
  size_t n_protectors;
  struct fve_sealed volume_key; /* the full volume encryption key */
  unsigned new_entries;         /* entries that are not known here; ignored */
};

/* "AES-XTS 128"; NULL: not known. */
const char *fve_method_name (unsigned method);

/* `bytes`: one metadata block, up to FVE_BLOCK_BYTES; fewer only where the
 * volume ends.  ERR_DISK: damaged, or of an unknown layout.  *fve must be
 * released in any case. */
int fve_parse (const struct fve_header *header, const unsigned char *bytes,
               size_t len, struct fve *fve, struct err **err) ATTR_USE;
void fve_release (struct fve *fve);
#define CLEANUP_FVE CLEANUP (fve_release)

/* Is there one of this type? */
bool fve_has_protector (const struct fve *fve, unsigned type);

/* Why no key at all would open it: "half-encrypted",
 * "unknown-encryption"; NULL: a key would.  *why is a sentence. */
const char *fve_hindrance (const struct fve *fve, char **why);

/* {method, state, version, suspended, volume_guid, description, sector_bytes,
 * protectors: [{guid, type, changed, opens}]} */
json_t *fve_to_json (const struct fve *fve);

#endif
