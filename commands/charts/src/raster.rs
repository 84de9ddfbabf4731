//! SVG to PNG, with the fonts that are part of the program and no others.

use crate::ChartError;
use resvg::tiny_skia::{Pixmap, PremultipliedColorU8, Transform};
use resvg::usvg::{Options, Tree, fontdb};
use std::sync::{Arc, OnceLock};

/// Inter for what it has; `DejaVu` Sans for the scripts that it hasn't.
const FONTS: [&[u8]; 3] = [
    include_bytes!("../assets/Inter-Regular.ttf"),
    include_bytes!("../assets/Inter-SemiBold.ttf"),
    include_bytes!("../assets/DejaVuSans.ttf"),
];

/// Read when the first picture is drawn, once.
fn fonts() -> Arc<fontdb::Database> {
    static LOADED: OnceLock<Arc<fontdb::Database>> = OnceLock::new();
    Arc::clone(LOADED.get_or_init(|| {
        let mut fonts = fontdb::Database::new();
        for font in FONTS {
            fonts.load_font_source(fontdb::Source::Binary(Arc::new(font)));
        }
        fonts.set_sans_serif_family("Inter");
        Arc::new(fonts)
    }))
}

pub(crate) fn png(svg: &str, width: u32) -> Result<Vec<u8>, ChartError> {
    let failed = |error: &dyn std::fmt::Display| ChartError::Drawing(error.to_string());
    let options = Options { fontdb: fonts(), font_family: "Inter".into(), ..Options::default() };
    let tree = Tree::from_str(svg, &options).map_err(|e| failed(&e))?;
    let size = tree.size().to_int_size().scale_to_width(width).ok_or_else(|| failed(&"it has no size"))?;
    let mut picture = Pixmap::new(size.width(), size.height()).ok_or_else(|| failed(&"there is no room for its pixels"))?;
    #[expect(clippy::cast_precision_loss, reason = "widths up to 4,096 are exact")]
    let scale = width as f32 / tree.size().width();
    resvg::render(&tree, Transform::from_scale(scale, scale), &mut picture.as_mut());
    encoded(&picture).map_err(|e| failed(&e))
}

/// The bytes of the file. A picture that covers everything behind it needs no transparency.
fn encoded(picture: &Pixmap) -> Result<Vec<u8>, png::EncodingError> {
    let opaque = picture.pixels().iter().all(|pixel| pixel.alpha() == u8::MAX);
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, picture.width(), picture.height());
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    encoder.set_color(if opaque { png::ColorType::Rgb } else { png::ColorType::Rgba });
    let pixels = picture.pixels().iter().map(PremultipliedColorU8::demultiply);
    let data: Vec<u8> = if opaque {
        pixels.flat_map(|pixel| [pixel.red(), pixel.green(), pixel.blue()]).collect()
    } else {
        pixels.flat_map(|pixel| [pixel.red(), pixel.green(), pixel.blue(), pixel.alpha()]).collect()
    };
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&data)?;
    writer.finish()?;
    Ok(bytes)
}
