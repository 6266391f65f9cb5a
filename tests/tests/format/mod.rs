//! Archives: merged, in forms for stock pods, within the limits of both writer and reader.

mod bucket_without_conditions;
mod depot;
mod depot_on_its_own_disk;
mod document_forms;
mod leftovers;
mod merge;
mod shared_limits;
mod stock_form;
mod text_files;
