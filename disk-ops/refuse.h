/* Refusals: reasons to leave a disk alone, each with a code that never
 * changes.  protocol/ explains them to people; a test holds both lists
 * together. */

#ifndef BOOTMEND_REFUSE_H
#define BOOTMEND_REFUSE_H

#define REFUSE_EMPTY              "empty"
#define REFUSE_TRUNCATED          "truncated"
#define REFUSE_IMAGE_DAMAGED      "image-damaged"
#define REFUSE_NO_DISK            "no-disk"
#define REFUSE_NO_OS              "no-os"
#define REFUSE_SEVERAL_OS         "several-os"
#define REFUSE_WRONG_OS           "wrong-os"
#define REFUSE_HIBERNATED         "hibernated"
#define REFUSE_ENCRYPTED          "encrypted"
#define REFUSE_DIRTY_NTFS         "dirty-ntfs"
#define REFUSE_FS_DAMAGED         "fs-damaged"
#define REFUSE_FS_READ_ONLY       "fs-read-only"
#define REFUSE_NO_SPACE           "no-space"
#define REFUSE_IMMUTABLE          "immutable"
#define REFUSE_NO_MATCH           "no-match"
#define REFUSE_REPARSE_POINT      "reparse-point"
#define REFUSE_AMBIGUOUS          "ambiguous-name"
#define REFUSE_TARGET_EXISTS      "target-exists"
#define REFUSE_WRONG_KIND         "wrong-kind"
#define REFUSE_TOO_LARGE          "too-large"
#define REFUSE_TOO_MANY           "too-many"
#define REFUSE_IN_USE             "in-use"
#define REFUSE_READ_ONLY          "read-only"
#define REFUSE_WRONG_SIZE         "wrong-size"
#define REFUSE_WRONG_SERIAL       "wrong-serial"
#define REFUSE_WRONG_MACHINE      "wrong-machine"
#define REFUSE_NO_EVIDENCE        "no-evidence"
#define REFUSE_FOREIGN_EVIDENCE   "foreign-evidence"
#define REFUSE_CHANGED_SINCE      "changed-since"
#define REFUSE_DIRTY_HIVE         "dirty-hive"
#define REFUSE_HIVE_DAMAGED       "hive-damaged"
#define REFUSE_HIVE_LIMIT         "hive-limit"
#define REFUSE_BOOT_CRITICAL      "boot-critical"
#define REFUSE_NO_BOOT_VOLUME     "no-boot-volume"
#define REFUSE_TPM_BOUND          "tpm-bound"
#define REFUSE_KEY_MISSING        "key-missing"
#define REFUSE_KEY_WRONG          "key-wrong"
#define REFUSE_TPM_ONLY           "tpm-only"
#define REFUSE_HALF_ENCRYPTED     "half-encrypted"
#define REFUSE_UNKNOWN_ENCRYPTION "unknown-encryption"

/* All of them, ended by NULL. */
extern const char *const disk_refusal_codes[];

#endif
