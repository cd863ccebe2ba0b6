/* Memory: abort on exhaustion, one owner, cleanup at the end of a scope.
 *
 *   CLEANUP_FREE char *name = xasprintf ("vm-%d", n);
 *   job->name = TAKE (name);         // handed over, not freed here
 *
 * An abort for lack of memory is one more crash that the journal survives
 * anyway, so no caller checks for NULL.
 */

#ifndef BOOTMEND_MEM_H
#define BOOTMEND_MEM_H

#include <stddef.h>
#include <stdarg.h>
#include <stdlib.h>

#define ATTR_PRINTF(fmt, first) __attribute__ ((format (printf, fmt, first)))
#define ATTR_MALLOC             __attribute__ ((malloc, returns_nonnull))
#define ATTR_USE                __attribute__ ((warn_unused_result))

void *xmalloc (size_t size) ATTR_MALLOC;
void *xcalloc (size_t count, size_t size) ATTR_MALLOC;
void *xrealloc (void *ptr, size_t count, size_t size)
    __attribute__ ((returns_nonnull, warn_unused_result));
char *xstrdup (const char *s) ATTR_MALLOC;
char *xstrndup (const char *s, size_t n) ATTR_MALLOC;
void *xmemdup (const void *ptr, size_t size) ATTR_MALLOC;
char *xasprintf (const char *fmt, ...) ATTR_MALLOC ATTR_PRINTF (1, 2);
char *xvasprintf (const char *fmt, va_list args) ATTR_MALLOC ATTR_PRINTF (1, 0);

#define CLEANUP(fn)   __attribute__ ((cleanup (fn)))
#define CLEANUP_FREE  CLEANUP (cleanup_free)
#define CLEANUP_CLOSE CLEANUP (cleanup_close)
#define CLEANUP_FILE  CLEANUP (cleanup_fclose)
#define CLEANUP_STRV  CLEANUP (cleanup_strv)
void cleanup_free (void *ptr_to_ptr);
void cleanup_close (int *fd);
void cleanup_fclose (void *ptr_to_file);
void cleanup_strv (void *ptr_to_strv);

/* Hands a pointer over: the value, with the variable set to NULL. */
#define TAKE(ptr)                                                              \
  __extension__({                                                              \
    __typeof__ (ptr) taken_ = (ptr);                                           \
    (ptr) = NULL;                                                              \
    taken_;                                                                    \
  })

/* Frees a NULL-terminated vector of strings; NULL is fine. */
void strv_free (char **strv);
size_t strv_length (char *const *strv);

#define ARRAY_SIZE(a) (sizeof (a) / sizeof ((a)[0]))

#endif
