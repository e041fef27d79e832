# Its PostgreSQL tests use libpq beside the store's own connection.
$(B)/tests/unit/test_collector_faults.o $(B)/tests/unit/test_collector_forget.o $(B)/tests/unit/test_collector_store.o: PF_CFLAGS += -I$(shell $(PKG_CONFIG) --variable=includedir libpq 2>/dev/null)
