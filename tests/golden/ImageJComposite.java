import ij.gui.ShapeRoi;
import ij.process.ImageProcessor;
import java.awt.Rectangle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.CRC32;

/**
 * Fills composite selections with ImageJ's ShapeRoi and prints what they select.
 *
 * <p>Usage: java -cp ij.jar ImageJComposite.java SPECIFICATIONS WIDTH HEIGHT
 *
 * <p>Each line of SPECIFICATIONS is one composite: outlines parted by ";", each
 * "x1 y1 x2 y2 ..." in ImageJ's coordinates. One line is printed for each: the number of
 * pixels inside the image and the CRC-32 of its mask, row by row, 1 inside and 0 outside.
 */
public final class ImageJComposite {

  private ImageJComposite() {}

  public static void main(String[] arguments) throws Exception {
    int width = Integer.parseInt(arguments[1]);
    int height = Integer.parseInt(arguments[2]);
    StringBuilder out = new StringBuilder();
    for (String line : Files.readAllLines(Path.of(arguments[0]))) {
      ShapeRoi roi = new ShapeRoi(segments(line.split(";")));
      byte[] mask = fullMask(roi, width, height);
      int count = 0;
      for (byte value : mask) {
        count += value;
      }
      CRC32 crc = new CRC32();
      crc.update(mask);
      out.append(count).append(' ').append(crc.getValue()).append('\n');
    }
    System.out.print(out);
    System.exit(0); // ImageJ may leave AWT threads running
  }

  /** Returns ImageJ's list of segments: 0 moves, 1 draws a line, 4 closes. */
  private static float[] segments(String[] outlines) {
    int size = 0;
    String[][] numbers = new String[outlines.length][];
    for (int i = 0; i < outlines.length; i++) {
      numbers[i] = outlines[i].trim().split(" ");
      size += numbers[i].length / 2 * 3 + 1;
    }
    float[] list = new float[size];
    int place = 0;
    for (String[] outline : numbers) {
      for (int k = 0; k < outline.length; k += 2) {
        list[place++] = k == 0 ? 0 : 1;
        list[place++] = (float) Double.parseDouble(outline[k]);
        list[place++] = (float) Double.parseDouble(outline[k + 1]);
      }
      list[place++] = 4;
    }
    return list;
  }

  private static byte[] fullMask(ShapeRoi roi, int width, int height) {
    Rectangle bounds = roi.getBounds();
    Rectangle inside = bounds.intersection(new Rectangle(0, 0, width, height));
    ImageProcessor mask = roi.getMask();
    byte[] full = new byte[width * height];
    for (int y = inside.y; y < inside.y + inside.height; y++) {
      for (int x = inside.x; x < inside.x + inside.width; x++) {
        if (mask.get(x - bounds.x, y - bounds.y) != 0) {
          full[y * width + x] = 1;
        }
      }
    }
    return full;
  }
}
