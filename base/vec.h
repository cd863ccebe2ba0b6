/* Typed vectors.
 *
 *   DEFINE_VEC (struct job *, job_vec);      // in a header or a .c file
 *   struct job_vec jobs = VEC_EMPTY;
 *   job_vec_push (&jobs, job);
 *   for (size_t i = 0; i < jobs.len; i++) use (jobs.ptr[i]);
 *   job_vec_release (&jobs);                 // the array, not what it points
 * to
 */

#ifndef BOOTMEND_VEC_H
#define BOOTMEND_VEC_H

#include <string.h>

#include <base/mem.h>

#define VEC_EMPTY                                                              \
  {                                                                            \
    0                                                                          \
  }

#define DEFINE_VEC(type, name)                                                 \
  struct name {                                                                \
    type *ptr;                                                                 \
    size_t len, cap;                                                           \
  };                                                                           \
  static inline                                                                \
      __attribute__ ((unused)) void name##_push (struct name *v, type item)    \
  {                                                                            \
    if (v->len == v->cap) {                                                    \
      v->cap = v->cap ? v->cap * 2 : 8;                                        \
      v->ptr = xrealloc (v->ptr, v->cap, sizeof (type));                       \
    }                                                                          \
    v->ptr[v->len++] = item;                                                   \
  }                                                                            \
  /* Takes item i out, keeping the order of the rest. */                       \
  static inline __attribute__ ((unused))                                       \
  type name##_remove (struct name *v, size_t i)                                \
  {                                                                            \
    type item = v->ptr[i];                                                     \
    memmove (&v->ptr[i], &v->ptr[i + 1], (v->len - i - 1) * sizeof (type));    \
    v->len--;                                                                  \
    return item;                                                               \
  }                                                                            \
  static inline __attribute__ ((unused)) void name##_release (struct name *v)  \
  {                                                                            \
    free (v->ptr);                                                             \
    v->ptr = NULL;                                                             \
    v->len = v->cap = 0;                                                       \
  }                                                                            \
  struct name

DEFINE_VEC (char *, str_vec);

/* Frees the strings too. */
void str_vec_free_all (struct str_vec *v);
/* Ends the vector with NULL and hands the array over. */
char **str_vec_take (struct str_vec *v);

#endif
