import ij.ImagePlus;
import ij.gui.Line;
import ij.gui.PointRoi;
import ij.gui.ProfilePlot;
import ij.gui.Roi;
import ij.gui.ShapeRoi;
import ij.io.RoiDecoder;
import ij.io.RoiEncoder;
import ij.measure.Measurements;
import ij.measure.ResultsTable;
import ij.plugin.filter.Analyzer;
import ij.process.ByteProcessor;
import ij.process.FloatPolygon;
import ij.process.ImageProcessor;
import ij.process.ImageStatistics;
import java.awt.Color;
import java.awt.Rectangle;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import java.util.zip.ZipOutputStream;

/**
 * Opens ROI files with ImageJ and prints, one JSON object a line, what ImageJ holds and measures.
 *
 * <p>Usage: java -cp ij.jar ImageJReadBack.java FILE [SAVED]
 *
 * <p>FILE is a .roi file or a .zip of them. The image is I[y, x] = (7x + 13y + ((x*y) mod 17)) mod
 * 256, 200 x 150 pixels. With SAVED, ImageJ writes all regions to that .zip as well.
 */
public final class ImageJReadBack {

  private static final int WIDTH = 200;
  private static final int HEIGHT = 150;

  private ImageJReadBack() {}

  public static void main(String[] arguments) throws Exception {
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    ImagePlus image = new ImagePlus("formula", formulaImage());
    Path saved = arguments.length > 1 ? Path.of(arguments[1]) : null;
    OutputStream raw =
        saved == null ? OutputStream.nullOutputStream() : Files.newOutputStream(saved);
    byte[] content = Files.readAllBytes(Path.of(arguments[0]));
    try (ZipOutputStream zip = new ZipOutputStream(raw)) {
      if (!arguments[0].endsWith(".zip")) {
        show(out, image, zip, Path.of(arguments[0]).getFileName().toString(), content);
      } else {
        ZipInputStream entries =
            new ZipInputStream(new ByteArrayInputStream(content), StandardCharsets.UTF_8);
        for (ZipEntry entry = entries.getNextEntry();
            entry != null;
            entry = entries.getNextEntry()) {
          show(out, image, zip, entry.getName(), entries.readAllBytes());
        }
      }
      if (saved == null) {
        zip.putNextEntry(new ZipEntry("none"));
      }
    }
    System.exit(0); // ImageJ may leave AWT threads running
  }

  private static ByteProcessor formulaImage() {
    ByteProcessor pixels = new ByteProcessor(WIDTH, HEIGHT);
    for (int y = 0; y < HEIGHT; y++) {
      for (int x = 0; x < WIDTH; x++) {
        pixels.set(x, y, (7 * x + 13 * y + ((x * y) % 17)) % 256);
      }
    }
    return pixels;
  }

  private static void show(
      PrintStream out, ImagePlus image, ZipOutputStream zip, String file, byte[] bytes)
      throws IOException {
    Roi roi = RoiDecoder.openFromByteArray(bytes);
    if (roi == null) {
      throw new IOException("ImageJ does not open " + file);
    }
    zip.putNextEntry(new ZipEntry(file));
    zip.write(RoiEncoder.saveAsByteArray(roi));
    zip.closeEntry();
    StringBuilder json = new StringBuilder("{");
    text(json, "file", file);
    text(json, "class", roi.getClass().getSimpleName());
    text(json, "type", roi.getTypeAsString());
    text(json, "name", roi.getName());
    text(json, "stroke", hex(roi.getStrokeColor()));
    text(json, "fill", hex(roi.getFillColor()));
    text(json, "muscle", roi.getProperty("muscle"));
    text(json, "side", roi.getProperty("side"));
    text(json, "other", roi.getProperty("other"));
    value(json, "stroke_width", roi.getStroke() == null ? 0 : roi.getStrokeWidth());
    value(json, "group", roi.getGroup());
    value(json, "centred", isCentred(roi) ? 1 : 0);
    value(json, "position", roi.getPosition());
    value(json, "slice", roi.getZPosition());
    value(json, "time", roi.getTPosition());
    if (roi instanceof PointRoi) {
      value(json, "point_type", ((PointRoi) roi).getPointType());
      value(json, "point_size", ((PointRoi) roi).getSize());
      numbers(json, "counters", toFloats(((PointRoi) roi).getCounters()));
    }
    FloatPolygon points = roi.getFloatPolygon();
    if (roi instanceof Line) {
      Line line = (Line) roi;
      numbers(json, "x", new float[] {(float) line.x1d, (float) line.x2d});
      numbers(json, "y", new float[] {(float) line.y1d, (float) line.y2d});
    } else if (!(roi instanceof ShapeRoi)) {
      numbers(json, "x", java.util.Arrays.copyOf(points.xpoints, points.npoints));
      numbers(json, "y", java.util.Arrays.copyOf(points.ypoints, points.npoints));
    }
    measure(json, image, roi);
    out.println(json.append("\"end\":0}"));
  }

  /** Whether integer coordinates are centres of pixels to ImageJ, not their corners. */
  private static boolean isCentred(Roi roi) {
    try {
      Method convention = Roi.class.getDeclaredMethod("useLineSubpixelConvention");
      convention.setAccessible(true);
      return (Boolean) convention.invoke(roi);
    } catch (ReflectiveOperationException error) {
      throw new IllegalStateException("another ImageJ than 1.53t", error);
    }
  }

  private static void measure(StringBuilder json, ImagePlus image, Roi roi) {
    image.setRoi(roi);
    if (roi.isLine() || roi.getType() == Roi.ANGLE) {
      value(json, "length", roi.getLength());
      value(json, "angle", Double.isNaN(roi.getAngle()) ? -1 : roi.getAngle());
      value(json, "first_gray", roi.isLine() ? new ProfilePlot(image).getProfile()[0] : -1);
      return;
    }
    if (roi instanceof PointRoi) {
      ResultsTable table = new ResultsTable();
      new Analyzer(image, Measurements.MEAN | Measurements.CENTROID, table).measure();
      float[] grays = new float[table.size()];
      for (int row = 0; row < grays.length; row++) {
        grays[row] = (float) table.getValue("Mean", row);
      }
      numbers(json, "grays", grays);
      return;
    }
    Rectangle bounds = roi.getBounds();
    image.setRoi(roi);
    if (image.getRoi() == null || bounds.width == 0 || bounds.height == 0) {
      value(json, "n", 0); // ImageJ would measure the whole image instead
      return;
    }
    ImageStatistics s = image.getStatistics(Measurements.MEAN | Measurements.STD_DEV);
    value(json, "n", s.pixelCount);
    value(json, "mean", s.pixelCount == 0 ? -1 : s.mean);
    CRC32 crc = new CRC32();
    crc.update(fullMask(roi, bounds));
    value(json, "mask_crc32", crc.getValue());
  }

  /** Returns 1 for each image pixel that ImageJ's statistics use, in row-major order. */
  private static byte[] fullMask(Roi roi, Rectangle bounds) {
    Rectangle inside = bounds.intersection(new Rectangle(0, 0, WIDTH, HEIGHT));
    ImageProcessor mask = roi.getMask();
    byte[] full = new byte[WIDTH * HEIGHT];
    for (int y = inside.y; y < inside.y + inside.height; y++) {
      for (int x = inside.x; x < inside.x + inside.width; x++) {
        if (mask == null || mask.get(x - bounds.x, y - bounds.y) != 0) {
          full[y * WIDTH + x] = 1;
        }
      }
    }
    return full;
  }

  private static float[] toFloats(int[] values) {
    float[] floats = new float[values == null ? 0 : values.length];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = values[i];
    }
    return floats;
  }

  private static String hex(Color colour) {
    return colour == null ? null : String.format("%08x", colour.getRGB());
  }

  private static void value(StringBuilder json, String key, double value) {
    json.append('"').append(key).append("\":");
    json.append(value == (long) value ? Long.toString((long) value) : Double.toString(value));
    json.append(',');
  }

  private static void numbers(StringBuilder json, String key, float[] values) {
    StringBuilder list = new StringBuilder();
    for (float value : values) {
      list.append(list.length() > 0 ? "," : "").append((double) value);
    }
    json.append('"').append(key).append("\":[").append(list).append("],");
  }

  /** Appends a text with all but plain ASCII escaped. */
  private static void text(StringBuilder json, String key, String value) {
    json.append('"').append(key).append("\":");
    if (value == null) {
      json.append("null,");
      return;
    }
    json.append('"');
    for (char c : value.toCharArray()) {
      boolean plain = c >= 32 && c < 127 && c != '"' && c != '\\';
      json.append(plain ? String.valueOf(c) : String.format("\\u%04x", (int) c));
    }
    json.append("\",");
  }
}
